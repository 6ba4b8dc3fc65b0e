"""The daemon's listening socket: made by itself under a lock, or inherited from its service manager."""

from __future__ import annotations

import fcntl
import os
import socket
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from ...ports.errors import Misconfigured, Unavailable
from .address import LONGEST_PATH, PREFIX

if TYPE_CHECKING:
    from collections.abc import Generator, MutableMapping
    from pathlib import Path

_FIRST_INHERITED: Final = 3
"""SD_LISTEN_FDS_START of sd_listen_fds(3)."""
_BACKLOG: Final = 128
OUR_NAME: Final = "mcp"
"""FileDescriptorName= of the socket, where a unit hands over several."""


def inherited_socket(environment: MutableMapping[str, str]) -> int | None:
    """The number of the descriptor on which a service manager listens for this process, None where there is none.

    The variables are taken out of the environment, so that no child believes that they are meant for it.
    """
    told = [environment.pop(name, "") for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")]
    pid, count, names = told
    if pid != str(os.getpid()) or not count.isdecimal() or int(count) == 0:
        return None
    if int(count) == 1:
        return _FIRST_INHERITED
    named = names.split(":")
    if OUR_NAME not in named[: int(count)]:
        raise Misconfigured(
            f"{count} sockets are handed over and none is called {OUR_NAME!r}: FileDescriptorName=mcp"
        )
    return _FIRST_INHERITED + named.index(OUR_NAME)


@contextmanager
def listening_socket(where: Path | int) -> Generator[socket.socket]:
    """At a path of its own, 0600 in a folder that is 0700 where it is made here; or on an inherited descriptor. What
    was made here is removed at the end. `Unavailable` where another daemon listens at the path.
    """
    if isinstance(where, int):
        with _adopted(where) as listener:
            yield listener
        return
    _check_length(where)
    _make_folder(where.parent)
    with _alone(where):
        _remove_stale(where)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(where))
            made = where.lstat()
            try:
                # Before it listens: until then nobody can connect.
                where.chmod(0o600)
                listener.listen(_BACKLOG)
                listener.settimeout(0)
                yield listener
            finally:
                with suppress(OSError):
                    if os.path.samestat(made, where.lstat()):
                        where.unlink()


@contextmanager
def _adopted(number: int) -> Generator[socket.socket]:
    """The manager keeps its own descriptor of it: who connects while no daemon runs is served by the next."""
    try:
        os.set_inheritable(number, False)  # noqa: FBT003 - its own shape
        with socket.socket(fileno=number) as listener:
            listens = listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            if listener.family != socket.AF_UNIX or listener.type != socket.SOCK_STREAM or not listens:
                raise Misconfigured(
                    f"descriptor {number} is no listening Unix stream socket: ListenStream=/a/path"
                )
            listener.settimeout(0)
            yield listener
    except OSError as error:
        raise Misconfigured(f"descriptor {number}, handed over to listen on: {error.strerror}") from error


def _check_length(where: Path) -> None:
    size = len(bytes(where))
    if size > LONGEST_PATH:
        raise Misconfigured(
            f"{where}: {size} bytes are too long for a socket's path (at most {LONGEST_PATH}); "
            f"name a shorter folder with {PREFIX}RUNTIME_DIR or a shorter path with {PREFIX}SOCKET"
        )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = folder.stat()
    except OSError as error:
        raise Misconfigured(f"{folder}: no folder for the daemon's socket: {error.strerror}") from error
    shared = mode.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if shared and not mode.st_mode & stat.S_ISVTX:
        raise Misconfigured(
            f"{folder}: others may write here and put a socket of theirs in place: chmod go-w {folder}"
        )


@contextmanager
def _alone(where: Path) -> Generator[None]:
    """The lock is the kernel's and ends with its process, however that ends. Its file stays: a lock on a file that
    someone may remove excludes nobody.
    """
    lock = where.with_name(where.name + ".lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise Misconfigured(f"{lock}: cannot be made: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            raise Unavailable(f"another daemon (process {holder or 'unknown'}) listens at {where}") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _remove_stale(where: Path) -> None:
    """Left by a daemon that was killed: who holds the lock knows that nobody listens there."""
    try:
        if not stat.S_ISSOCK(where.lstat().st_mode):
            raise Misconfigured(f"{where}: is there, and is no socket; it is left alone")
        where.unlink()
    except FileNotFoundError:
        return
