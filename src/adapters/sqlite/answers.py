"""Results on their way from a thread to the event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable


class Answer(NamedTuple):
    future: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None


def deliver(loop: asyncio.AbstractEventLoop, answers: list[Answer]) -> None:
    """All of them in one wake-up of the loop. Callable from any thread; where the loop has ended, nobody listens."""
    if answers and not loop.is_closed():
        _soon(loop, _settle, answers)


def _soon(
    loop: asyncio.AbstractEventLoop, call: Callable[[list[Answer]], None], answers: list[Answer]
) -> None:
    try:
        loop.call_soon_threadsafe(call, answers)
    except RuntimeError:
        if not loop.is_closed():
            raise


def _settle(answers: list[Answer]) -> None:
    for future, result, error in answers:
        if future.done():
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)


async def ended(thread: threading.Thread, future: asyncio.Future[None], timeout: float) -> None:  # noqa: ASYNC109 - bounds a shielded wait
    """Wait for a thread whose last act is to answer `future`, even while being cancelled, for at most `timeout`
    seconds; then be cancelled.
    """
    task_cancelled: asyncio.CancelledError | None = None
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    while not future.done() and (left := deadline - loop.time()) > 0:
        try:
            await asyncio.wait((future,), timeout=left)
        except asyncio.CancelledError as error:
            task_cancelled = error
    if future.done():
        thread.join()
    if task_cancelled is not None:
        raise task_cancelled
