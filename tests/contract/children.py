"""Processes of a certification: each with what it started itself, and none of them stays."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

LONGEST: Final = 3_600
"""Seconds for one adapter: clauses that hang are ended one by one, threads that hang are not."""
LINGER: Final = 10.0
"""Seconds that a process may take to end once it has written what it found."""


class Children:
    """Those that are running, each in a group of its own: what it started ends with it."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[Any]] = set()
        self.ending = threading.Event()

    def run(self, command: list[str], file: Path, said: Path) -> int | None:
        """The exit code; None where it has written `file` and would not end. `said` gets what it says.
        `TimeoutExpired` once it has been ended for taking too long.
        """
        with (
            said.open("wb") as output,
            subprocess.Popen(
                command,
                cwd=file.parent,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            ) as child,
        ):
            self._running.add(child)
            if self.ending.is_set():
                _kill(child)
            try:
                return _awaited(child, command, file)
            finally:
                _kill(child)
                self._running.discard(child)

    def end(self) -> None:
        """All that run, and whatever would be started yet."""
        self.ending.set()
        for child in tuple(self._running):
            _kill(child)


def _awaited(child: subprocess.Popen[Any], command: list[str], file: Path) -> int | None:
    until, over = time.monotonic() + LONGEST, False
    while time.monotonic() < until:
        with suppress(subprocess.TimeoutExpired):
            return child.wait(LINGER if file.exists() else 1.0)
        if over:
            return None
        over = file.exists()
    raise subprocess.TimeoutExpired(command, LONGEST)


@contextmanager
def sigterm_as_exit() -> Generator[None]:
    """Else our children would go on without us."""

    def leave(*_: object) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


def ended_by(code: int | None) -> str:
    if code is None or code >= 0:
        return f"its process ended, with code {code},"
    try:
        return f"its process was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"its process was ended by signal {-code}"


def _kill(child: subprocess.Popen[Any]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def _environment() -> dict[str, str]:
    """Ours, without what would change how pytest runs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return {**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
