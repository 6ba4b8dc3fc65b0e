"""The RateLimiter port by one Lua script: sliding logs, as in process, by the server's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from ...ports.errors import Rejected
from ...ports.rate_limiter import Decision, RateLimiterCapabilities
from ...ports.windows import UNLIMITED, check_windows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from ...ports.rate_limiter import Window
    from .connection import RedisServer

_MICROS = 1_000_000
_LONGEST = 4e9
"""Seconds, more than a century: microseconds beyond it are no longer told apart by a double."""


class RedisRateLimiter:
    """Keys: `{prefix}ratelimit:{key}:{period in microseconds}`, some bytes for each hit that still counts, gone when
    idle. Nothing is tried again: the caller has a failure mode, and does not want to wait for it. After an error the
    call may have been counted.
    """

    def __init__(self, server: RedisServer) -> None:
        self._server = server

    @property
    def capabilities(self) -> RateLimiterCapabilities:
        return RateLimiterCapabilities(name="redis", shared="network")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        return await self._decide(windows, cost, consume=True)

    async def peek(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        return await self._decide(windows, cost, consume=False)

    async def _decide(self, windows: Sequence[Window], cost: int, *, consume: bool) -> Decision:
        check_windows(windows, cost)
        if not windows:
            return Decision(allowed=True, remaining=UNLIMITED)
        # The same key and period under two limits is one log: counted twice it would halve the stricter limit.
        logs: dict[bytes, tuple[int, int]] = {}
        limits: list[int] = []
        for window in windows:
            period = max(1, round(min(window.period, _LONGEST) * _MICROS))
            number, _ = logs.setdefault(self._key(window.key, period), (len(logs) + 1, period))
            limits += (number, window.limit)
        answer: list[int] = await self._server.run(
            "limiter_decide",
            tuple(logs),
            (int(consume), cost, *(period for _, period in logs.values()), *limits),
            again=False,
            retries=0,
        )
        allowed, remaining, wait, refused_by = answer
        if allowed:
            return Decision(allowed=True, remaining=remaining)
        return Decision(
            allowed=False,
            remaining=remaining,
            retry_after=wait / _MICROS,
            refused_by=windows[refused_by - 1].key,
        )

    def _key(self, key: str, period: int) -> bytes:
        try:
            return f"{self._server.prefix}ratelimit:{key}:{period}".encode()
        except UnicodeEncodeError as error:
            raise Rejected("key: holds half of a surrogate pair, which is no character", "key") from error
