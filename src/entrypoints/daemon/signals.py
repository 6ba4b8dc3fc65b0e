"""SIGTERM and SIGINT as calls on the loop, for as long as a block runs."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def on_signals(handler: Callable[[], None]) -> Generator[None]:
    """Within the block, where this is the main thread; the former handlers come back."""
    loop = asyncio.get_running_loop()
    former = {number: signal.getsignal(number) for number in _SIGNALS}
    taken: list[signal.Signals] = []
    try:
        for number in _SIGNALS:
            try:
                loop.add_signal_handler(number, handler)
            except (NotImplementedError, RuntimeError, ValueError):
                # Not the main thread, or no such loop: whoever runs this loop sees to signals.
                break
            taken.append(number)
        yield
    finally:
        for number in taken:
            loop.remove_signal_handler(number)
            signal.signal(number, former[number] or signal.SIG_DFL)
