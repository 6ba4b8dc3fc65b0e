"""RateLimiter: several windows, one decision.

Promises. A call is admitted if and only if every window has room, and then counts in all of them; a refused call
consumes nothing anywhere. Under any concurrency no window ever admits more than `limit` within any `period`. Time
is the limiter's own clock. Keys that count no more take no room in this process.

Not promised. What another limiter on another backend admitted; exact fairness between keys.

Errors: `Rejected` (limit, period or cost not positive; cost above a limit); `Unavailable` when the backend fails (the
caller applies its failure mode).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, Self

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType


class RateLimiterCapabilities(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    shared: Literal["process", "host", "network"]


class Window(msgspec.Struct, frozen=True):
    """At most `limit` in any `period` seconds, counted per `key`."""

    key: str
    limit: int
    period: float


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """`remaining` is the least of all windows, after this call. `retry_after` (seconds, 0 when allowed): the earliest
    moment at which the same call would be allowed if nobody else called. `refused_by` is the key of the window
    that asks for the longest wait.
    """

    allowed: bool
    remaining: int
    retry_after: float = 0.0
    refused_by: str = ""


class RateLimiter(Protocol):
    @property
    def capabilities(self) -> RateLimiterCapabilities: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        """No windows: allowed."""
        ...

    async def peek(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        """What `hit` would answer now, consuming nothing."""
        ...
