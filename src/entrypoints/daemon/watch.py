"""Whether a daemon does the upkeep of a memory, so that a server in a client's process need not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from ... import __version__
from .link import Refused, line, reach

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ..wiring import App

_EVERY: Final = 15.0
_PATIENCE: Final = 5.0


async def unless_a_daemon_does(
    app: App, run: Callable[[], Awaitable[None]], *, every: float = _EVERY
) -> None:
    """Until cancelled: `run()` while no daemon serves this memory. Looked at every `every` seconds; that both work for
    a moment does no harm, for jobs are leased.
    """
    while True:
        task = asyncio.ensure_future(_awaited(run))
        try:
            while not await has_daemon(app):
                done, _ = await asyncio.wait([task], timeout=every)
                if done:
                    task.result()
                    return
        finally:
            task.cancel()
            await asyncio.wait([task])
        while await has_daemon(app):
            await app.clock.sleep(every)


async def has_daemon(app: App) -> bool:
    """One that answers, and serves this memory."""
    hello = line(version=__version__, database=app.settings.database)
    return await asyncio.to_thread(_answers, app.settings.daemon_sockets, hello)


def _answers(paths: Sequence[str], hello: bytes) -> bool:
    try:
        link = reach(paths, hello, _PATIENCE)
    except Refused as refused:
        return refused.code == "busy"
    if link is None:
        return False
    link.socket.close()
    return True


async def _awaited(run: Callable[[], Awaitable[None]]) -> None:
    await run()
