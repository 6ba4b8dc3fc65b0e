"""An upright rate limiter, as a client behind a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from agent_memory.adapters.inprocess.rate_limiter import InProcessRateLimiter
from agent_memory.adapters.inprocess.sliding_log import SlidingLogs
from agent_memory.ports.rate_limiter import Decision, RateLimiterCapabilities, Window

from .lines import CutHarness, Line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from agent_memory_contract.manual_clock import ManualClock


class RemoteLimiter:
    def __init__(self, clock: ManualClock, line: Line, logs: SlidingLogs) -> None:
        self.clock = clock
        self.line = line
        self.inner = InProcessRateLimiter(clock=clock, logs=logs)

    @property
    def capabilities(self) -> RateLimiterCapabilities:
        return RateLimiterCapabilities(name="remote", shared="process")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        self.line.check()
        return await self.inner.hit(windows, cost=cost)

    async def peek(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        self.line.check()
        return await self.inner.peek(windows, cost=cost)


def limiter_harness(kind: type[RemoteLimiter]) -> CutHarness[RemoteLimiter]:
    logs = SlidingLogs()
    return CutHarness(lambda clock, line: kind(clock, line, logs))
