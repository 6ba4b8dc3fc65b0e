"""Doing something for as long as a lease holds."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from ...ports.errors import NotHeld, PortError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from ...ports.clock import Clock

_EARLY = 0.1
"""Of the lease: what runs is cancelled this much before the lease ends, so that it has ended by then."""


@asynccontextmanager
async def while_held(
    renew: Callable[[], Awaitable[None]], clock: Clock, *, ttl: float, since: float
) -> AsyncGenerator[None]:
    """Renews every third of `ttl`. When the lease is over (`NotHeld`), or could not be renewed until it is about to
    end, the block is cancelled and left by `NotHeld`.

    `since`: what `clock.monotonic()` gave before the lease was asked for.
    """
    limit = asyncio.timeout(None)
    try:
        async with limit:
            keeper = asyncio.create_task(_keep(renew, clock, ttl, since, limit), name="lease")
            try:
                yield
            finally:
                keeper.cancel()
                await asyncio.wait([keeper])
    except TimeoutError as error:
        if limit.expired():
            raise NotHeld("the lease ended before the work did") from error
        raise


async def _keep(
    renew: Callable[[], Awaitable[None]], clock: Clock, ttl: float, since: float, limit: asyncio.Timeout
) -> None:
    ends = since + ttl * (1 - _EARLY)
    pause = ttl / 3
    while (left := ends - clock.monotonic()) > 0:
        await clock.sleep(min(pause, left))
        asked = clock.monotonic()
        if asked >= ends:
            break
        try:
            async with asyncio.timeout(ends - asked):
                await renew()
        except NotHeld:
            break
        except (PortError, TimeoutError):
            # The store may be back in time.
            pause = ttl / 12
            continue
        ends = asked + ttl * (1 - _EARLY)
        pause = ttl / 3
    limit.reschedule(0)
