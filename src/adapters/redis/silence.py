"""A server that does not answer, as all who share a connection to it know it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from ...ports.errors import Unavailable
from .ending import end

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from .pool import Pool

_PAUSE = 0.25
"""Seconds between two looks whether it is back."""


class Silence:
    """Begins with one answer that did not come in time, and ends with the next that is seen to come, of whatever kind:
    also a refusal, or a port that nobody listens on, tells at once.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._reason = ""
        self._bounds: set[asyncio.Timeout] = set()
        self._listening: asyncio.Task[None] | None = None

    def refuse(self) -> None:
        """`Unavailable` while it lasts: nothing is sent."""
        if self._reason:
            raise Unavailable(self._reason)

    @asynccontextmanager
    async def bound(self) -> AsyncGenerator[None]:
        """What is done within ends, by `TimeoutError`, when silence begins."""
        async with asyncio.timeout(None) as bound:
            self._bounds.add(bound)
            try:
                yield
            finally:
                self._bounds.discard(bound)

    def begin(self, reason: str) -> None:
        """`reason`: the error's text, for all who are refused."""
        if self._reason:
            return
        self._reason = reason
        bounds, self._bounds = self._bounds, set()
        for bound in bounds:
            bound.reschedule(0.0)
        self._listening = asyncio.create_task(self._await_end())

    async def close(self) -> None:
        if self._listening is not None:
            await end((self._listening,))

    async def _await_end(self) -> None:
        """The connection that finds it back is there for the next call."""
        try:
            while not await self._pool.answers():  # noqa: ASYNC110 - what happens in another program sets no event
                await asyncio.sleep(_PAUSE)
        finally:
            self._reason = ""
