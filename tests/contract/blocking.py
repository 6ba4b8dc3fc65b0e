"""A clause is broken where the adapter holds up the event loop, as far as Python tells of it: by sleeping, by waiting
for a file lock, by connecting a socket that blocks. What waits within a driver is not seen.
"""

from __future__ import annotations

import sys
import time
from asyncio import events
from functools import wraps
from inspect import currentframe
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.outcomes import Failed

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from socket import socket
    from types import FrameType

_KIT = Path(__file__).resolve().parent
_LIBRARY = Path(events.__file__).parents[1]
_AT_ONCE = 4 | 8
"""`LOCK_NB` and `LOCK_UN` of `fcntl`, which is not everywhere."""


def _asleep(seconds: float) -> str:
    return f"time.sleep({seconds:g})" if seconds > 0 else ""


def _flock(_file: int, what: int) -> str:
    return "" if what & _AT_ONCE else "fcntl.flock that waits"


def _lockf(_file: int, what: int, *_where: int) -> str:
    return "" if what & _AT_ONCE else "fcntl.lockf that waits"


def _connecting(its: socket, _address: object) -> str:
    return "" if its.gettimeout() == 0 else "a socket that blocks was connected"


_WAITS: dict[str, Callable[..., str]] = {
    "sleep": _asleep,
    "fcntl.flock": _flock,
    "fcntl.lockf": _lockf,
    "socket.connect": _connecting,
}
"""By event of `sys.audit`, what it says of a call that waits; nothing where it does not. Of sleeping Python tells from
3.13 on only, so that it is ours.
"""


class Blocking:
    """Watches while a clause runs. The harness may wait as it likes."""

    current: Blocking | None = None
    hooked = False

    def __init__(self) -> None:
        """Before what is to be tried is imported: it may take `sleep` out of `time`."""
        self._harness: object = None
        self._seen: list[str] = []
        self._sleep = time.sleep
        time.sleep = _told(time.sleep)
        if not Blocking.hooked:
            Blocking.hooked = True
            sys.addaudithook(_on_audit)

    def pytest_unconfigure(self) -> None:
        time.sleep = self._sleep

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        self._harness = getattr(item, "funcargs", {}).get("harness")
        self._seen.clear()
        Blocking.current = self if self._harness is not None else None
        try:
            result = yield
        finally:
            Blocking.current = None
        if self._seen:
            raise Failed(f"the event loop was held up: {self._seen[0]}", pytrace=False)
        return result

    def notice(self, event: str, arguments: tuple[Any, ...]) -> None:
        told = _WAITS[event](*arguments)
        if not told or events._get_running_loop() is None:
            return
        frames = list(_stack(currentframe()))
        if any(frame.f_locals.get("self") is self._harness for frame in frames):
            return
        by = next((frame for frame in frames if not _is_between(frame)), frames[-1])
        if _KIT not in Path(by.f_code.co_filename).resolve().parents:
            self._seen.append(f"{told} at {by.f_code.co_filename}:{by.f_lineno}, in {by.f_code.co_name}")


def _on_audit(event: str, arguments: tuple[Any, ...]) -> None:
    """Of all that is audited in this process, for as long as it lives: it must be quick."""
    if event in _WAITS and Blocking.current is not None:
        Blocking.current.notice(event, arguments)


def _is_between(frame: FrameType) -> bool:
    """Of this module or of Python's own library: between whoever waits and where it is seen."""
    file = Path(frame.f_code.co_filename)
    own = file.is_relative_to(_LIBRARY) and "site-packages" not in file.parts
    return own or file == Path(__file__)


def _told(sleep: Callable[[Any], None]) -> Callable[[Any], None]:
    @wraps(sleep)
    def told(seconds: Any, /) -> None:
        _on_audit("sleep", (seconds,))
        sleep(seconds)

    return told


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
