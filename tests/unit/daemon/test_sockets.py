"""Where the daemon listens: private, alone, and over what a killed one left."""

from __future__ import annotations

import os
import socket
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent_memory.entrypoints.daemon.sockets import inherited_socket, listening_socket
from agent_memory.ports.errors import Misconfigured, Unavailable

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.fixture
def folder() -> Generator[Path]:
    with tempfile.TemporaryDirectory(prefix="am-") as made:
        yield Path(made)


def test_the_socket_is_private_and_gone_afterwards(folder: Path) -> None:
    where = folder / "run" / "d.sock"
    with listening_socket(where):
        assert stat.S_IMODE(where.stat().st_mode) == 0o600
        assert stat.S_IMODE(where.parent.stat().st_mode) == 0o700
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(where))
    assert not where.exists()


def test_a_second_daemon_says_so_and_leaves_the_first_alone(folder: Path) -> None:
    where = folder / "d.sock"
    with listening_socket(where):
        with (
            pytest.raises(Unavailable, match=f"another daemon .process {os.getpid()}. listens at {where}"),
            listening_socket(where),
        ):
            pass
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(where))
    with listening_socket(where):
        pass


def test_what_a_killed_daemon_left_is_replaced(folder: Path) -> None:
    where = folder / "d.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(where))
        dead.listen()
    with listening_socket(where), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(where))


def test_what_is_no_socket_is_left_alone(folder: Path) -> None:
    where = folder / "d.sock"
    where.write_text("precious", encoding="utf-8")
    with pytest.raises(Misconfigured, match="is no socket"), listening_socket(where):
        pass
    assert where.read_text(encoding="utf-8") == "precious"


def test_another_ones_socket_that_took_the_place_is_not_removed(folder: Path) -> None:
    where = folder / "d.sock"
    with socket.socket(socket.AF_UNIX) as other:
        with listening_socket(where):
            where.unlink()
            other.bind(str(where))
        assert where.exists()


def test_a_path_that_is_too_long_says_what_to_do(folder: Path) -> None:
    where = folder / ("x" * 100) / "d.sock"
    with (
        pytest.raises(Misconfigured, match=r"too long for a socket's path .at most 103.*RUNTIME_DIR"),
        listening_socket(where),
    ):
        pass


def test_a_folder_in_which_others_may_write_is_refused(folder: Path) -> None:
    shared = folder / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(Misconfigured, match="others may write here"), listening_socket(shared / "d.sock"):
        pass


def test_a_lock_file_that_is_a_link_is_not_followed(folder: Path) -> None:
    target = folder / "precious"
    target.write_text("precious", encoding="utf-8")
    (folder / "d.sock.lock").symlink_to(target)
    with (
        pytest.raises(Misconfigured, match=r"d.sock.lock: cannot be made"),
        listening_socket(folder / "d.sock"),
    ):
        pass
    assert target.read_text(encoding="utf-8") == "precious"


def test_a_socket_handed_over_is_used_and_not_removed(folder: Path) -> None:
    where = folder / "d.sock"
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(where))
        made.listen()
        with listening_socket(os.dup(made.fileno())) as listener, socket.socket(socket.AF_UNIX) as client:
            assert not listener.getblocking()
            assert not listener.get_inheritable()
            client.connect(str(where))
    assert where.exists()


@pytest.mark.parametrize("kind", ["datagram", "tcp", "deaf", "file"])
def test_what_is_handed_over_must_listen_on_a_unix_stream(folder: Path, kind: str) -> None:
    if kind == "file":
        number = os.open(folder / "f", os.O_CREAT | os.O_RDWR)
    else:
        family = socket.AF_INET if kind == "tcp" else socket.AF_UNIX
        made = socket.socket(family, socket.SOCK_DGRAM if kind == "datagram" else socket.SOCK_STREAM)
        if kind == "tcp":
            made.bind(("127.0.0.1", 0))
            made.listen()
        number = made.detach()
    with pytest.raises(Misconfigured, match=f"descriptor {number}"), listening_socket(number):
        pass


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}, 3),
        ({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "any.socket"}, 3),
        ({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2", "LISTEN_FDNAMES": "metrics:mcp"}, 4),
        ({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "0"}, None),
        ({"LISTEN_PID": "1", "LISTEN_FDS": "1"}, None),
        ({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "many"}, None),
    ],
)
def test_descriptors_are_taken_by_whom_they_are_meant_for(
    environment: dict[str, str], expected: int | None
) -> None:
    told = dict(environment)
    assert inherited_socket(told) == expected
    assert not told


def test_several_descriptors_without_the_name_are_an_error() -> None:
    with pytest.raises(Misconfigured, match="FileDescriptorName=mcp"):
        inherited_socket({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b"})
