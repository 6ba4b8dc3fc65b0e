"""A circuit breaker whose state is elsewhere, asked now and then only, as long as all is well."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from ..ports.breaker_rules import FAILURES
from ..ports.errors import CircuitOpen

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ..ports.circuit_breaker import CircuitBreaker
    from ..ports.clock import Clock


class SparingGuard:
    """`guard` of `breaker`, which costs a round trip there and is spared for `seconds` after it said that it is closed
    and has counted no failure: calls begin to fail fast at most that much later than elsewhere. A failure is counted
    there at once, and ends the sparing.
    """

    def __init__(self, breaker: CircuitBreaker, clock: Clock, *, seconds: float) -> None:
        self._breaker = breaker
        self._clock = clock
        self._seconds = seconds
        self._until = 0.0

    @asynccontextmanager
    async def guard(self) -> AsyncGenerator[None]:
        if self._clock.monotonic() >= self._until:
            async with self._breaker.guard():
                yield
            await self._look()
            return
        try:
            yield
        except FAILURES as error:
            self._until = 0.0
            await self._count(error)
            raise

    async def _look(self) -> None:
        status = await self._breaker.status()
        if status.state == "closed" and not status.failures:
            self._until = self._clock.monotonic() + self._seconds

    async def _count(self, error: Exception) -> None:
        """The failure of a call that it did not admit. Where it is open already, it counts no more."""
        with suppress(CircuitOpen, *FAILURES):
            async with self._breaker.guard():
                raise error
