from __future__ import annotations

from typing import TYPE_CHECKING, Self

from ...ports.rate_limiter import RateLimiterCapabilities
from .sliding_log import SlidingLogs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from ...ports.clock import Clock
    from ...ports.rate_limiter import Decision, Window


class InProcessRateLimiter:
    """A client of `logs`."""

    def __init__(self, *, clock: Clock, logs: SlidingLogs | None = None) -> None:
        self._clock = clock
        self._logs = SlidingLogs() if logs is None else logs

    @property
    def capabilities(self) -> RateLimiterCapabilities:
        return RateLimiterCapabilities(name="in-process", shared="process")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        return self._logs.decide(windows, cost, self._clock.monotonic(), consume=True)

    async def peek(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        return self._logs.decide(windows, cost, self._clock.monotonic(), consume=False)
