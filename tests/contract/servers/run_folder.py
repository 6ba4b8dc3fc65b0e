"""One test run: the folder that its processes share, and the lock that tells keepers that one of them lives."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from .memory_disk import memory_disk

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

RUN_VARIABLE = "AGENT_MEMORY_TEST_RUN"
USERS = "users.lock"
READY = "server.json"
FAILED = "failed.txt"
LOG = "keeper.log"

Technology = Literal["postgres", "redis"]

_held: Final[dict[Path, int]] = {}
_keepers: Final[list[subprocess.Popen[bytes]]] = []
"""They outlive us, so nobody waits for them; a forgotten one would warn."""


def begin_run() -> Path:
    """The folder of this run, made if there is none. Holds its lock until `end_run` or the end of the process."""
    given = os.environ.get(RUN_VARIABLE)
    if given is None:
        # A server's own user must get through to its folder.
        given = tempfile.mkdtemp(prefix="agent-memory-test-", dir=memory_disk())
        Path(given).chmod(0o711)
        os.environ[RUN_VARIABLE] = given
    folder = Path(given)
    if folder not in _held:
        descriptor = os.open(folder / USERS, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        _held[folder] = descriptor
    return folder


def end_run(timeout: float = 30.0) -> None:
    """Let go of the run that this process began; return once its servers have stopped and its folder is gone."""
    folder = Path(os.environ.pop(RUN_VARIABLE))
    os.close(_held.pop(folder))
    deadline = time.monotonic() + timeout
    for keeper in folder.glob("*/alive.lock"):
        with _locked(keeper, deadline):
            pass
    shutil.rmtree(folder)


def server(name: str, technology: Technology, *arguments: str, timeout: float = 120.0) -> bytes:
    """What the keeper of the server `name` says of it, once it runs. Starts both unless they do.

    RuntimeError, with the keeper's log, when it cannot be started: tried once a run.
    """
    folder = begin_run() / name
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)
    with _locked(folder / "start.lock", time.monotonic() + timeout):
        ready, failed = folder / READY, folder / FAILED
        if failed.exists():
            raise RuntimeError(failed.read_text(encoding="utf-8"))
        if not ready.exists():
            _start_keeper(folder, technology, arguments, timeout)
        return ready.read_bytes()


def once_a_run(name: str, work: Callable[[], object], timeout: float = 120.0) -> None:
    """Do it unless another process of the run has; return when it is done."""
    folder = begin_run()
    done = folder / f"{name}.done"
    with _locked(folder / f"{name}.lock", time.monotonic() + timeout):
        if not done.exists():
            work()
            done.touch()


def _start_keeper(folder: Path, technology: Technology, arguments: tuple[str, ...], timeout: float) -> None:
    command = [
        sys.executable,
        "-m",
        f"agent_memory_contract.servers.{technology}_keeper",
        str(folder),
        *arguments,
    ]
    with (folder / LOG).open("ab") as log:
        # A session of its own: Ctrl-C is for the tests, the keeper leaves after them.
        keeper = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    _keepers.append(keeper)
    deadline = time.monotonic() + timeout
    while not (folder / READY).exists():
        if keeper.poll() is not None or time.monotonic() > deadline:
            keeper.terminate()
            said = f"no server {folder.name}:\n{(folder / LOG).read_text(errors='replace')[-4000:]}"
            (folder / FAILED).write_text(said, encoding="utf-8")
            raise RuntimeError(said)
        time.sleep(0.02)


@contextmanager
def _locked(path: Path, deadline: float) -> Generator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{path} is still locked") from None
                time.sleep(0.02)
            else:
                break
        yield
    finally:
        os.close(descriptor)
