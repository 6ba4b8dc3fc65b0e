"""Which event loop a server runs on: uvloop where it is installed, else asyncio's own.

A call that waits for a database thread or a socket is mostly wake-ups of the loop, and uvloop's cost about half.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Literal, TypeVar

from ..ports.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")

LoopChoice = Literal["auto", "asyncio", "uvloop"]


def run(main: Coroutine[object, object, T], choice: LoopChoice = "auto") -> T:
    """Like `asyncio.run`. `Misconfigured` where uvloop is asked for by name and is not there."""
    try:
        factory = _factory(choice)
    except Misconfigured:
        main.close()
        raise
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)


def _factory(choice: LoopChoice) -> Callable[[], asyncio.AbstractEventLoop] | None:
    if choice == "asyncio" or not _standard_descriptors_open():
        return None
    try:
        import uvloop  # noqa: PLC0415 - only a server pays for it
    except ImportError:
        if choice == "uvloop":
            raise Misconfigured(
                "AGENT_MEMORY_EVENT_LOOP=uvloop: uvloop is not installed here; install it, or use auto or asyncio"
            ) from None
        return None
    return uvloop.new_event_loop


def _standard_descriptors_open() -> bool:
    """Where one is closed, the loop's own files would take its number, and libuv aborts the process on closing them."""
    try:
        for descriptor in range(3):
            os.fstat(descriptor)
    except OSError:
        return False
    return True
