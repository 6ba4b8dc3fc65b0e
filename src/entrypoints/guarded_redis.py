"""Calls to Redis behind a circuit breaker, and bounded in time: a call of a tool must not wait for a slow Redis."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from ..ports.errors import LockTimeout, Unavailable

if TYPE_CHECKING:
    import builtins
    from collections.abc import Awaitable, Callable, Sequence
    from types import TracebackType

    from ..ports.circuit_breaker import CircuitBreaker
    from ..ports.lock import Held, Lease, Lock, LockCapabilities
    from ..ports.rate_limiter import Decision, RateLimiter, RateLimiterCapabilities, Window


class GuardedRateLimiter:
    """`patience`: seconds. An answer that comes later is none; the hit may have been counted."""

    def __init__(self, limiter: RateLimiter, breaker: CircuitBreaker, *, patience: float) -> None:
        self._limiter = limiter
        self._breaker = breaker
        self._patience = patience

    @property
    def capabilities(self) -> RateLimiterCapabilities:
        return self._limiter.capabilities

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        return await self._asked(lambda: self._limiter.hit(windows, cost=cost))

    async def peek(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        return await self._asked(lambda: self._limiter.peek(windows, cost=cost))

    async def _asked(self, ask: Callable[[], Awaitable[Decision]]) -> Decision:
        try:
            async with self._breaker.guard(), asyncio.timeout(self._patience):
                return await ask()
        except TimeoutError as error:
            raise Unavailable(f"rate limiter: no answer within {self._patience:g} s") from error


class GuardedLock:
    """A wait is no sign of health or illness, and may be long: it begins after a first try within the guard. Who holds
    a lease may always look at it, renew and release it: a server that is full refuses new ones, and these it can do.
    """

    def __init__(self, lock: Lock, breaker: CircuitBreaker) -> None:
        self._lock = lock
        self._breaker = breaker

    @property
    def capabilities(self) -> LockCapabilities:
        return self._lock.capabilities

    async def __aenter__(self) -> Self:
        await self._lock.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._lock.__aexit__(kind, error, trace)

    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        try:
            async with self._breaker.guard():
                return await self._lock.acquire(name, owner=owner, ttl=ttl)
        except LockTimeout:
            if not wait > 0:
                raise
        return await self._lock.acquire(name, owner=owner, ttl=ttl, wait=wait)

    async def renew(self, lease: Lease, *, ttl: float) -> Lease:
        return await self._lock.renew(lease, ttl=ttl)

    async def release(self, lease: Lease) -> None:
        await self._lock.release(lease)

    async def inspect(self, name: str) -> Held | None:
        return await self._lock.inspect(name)

    async def list(self, *, prefix: str = "", limit: int = 100) -> builtins.list[Held]:
        async with self._breaker.guard():
            return await self._lock.list(prefix=prefix, limit=limit)

    async def force_release(self, name: str, *, by: str, reason: str) -> Held | None:
        async with self._breaker.guard():
            return await self._lock.force_release(name, by=by, reason=reason)
