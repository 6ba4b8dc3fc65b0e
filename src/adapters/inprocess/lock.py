from __future__ import annotations

import asyncio
import logging
import math
from typing import TYPE_CHECKING, Self

from ...ports.errors import LockTimeout, Rejected, Unavailable
from ...ports.lock import MAX_TTL, Held, Lease, LockCapabilities
from .lock_table import LockTable, Waiter, held

if TYPE_CHECKING:
    from types import TracebackType

    from ...ports.clock import Clock

_log = logging.getLogger(__name__)


class InProcessLock:
    """A client of `table`. Waiters get the lock in the order in which they came, save that a newcomer may take a
    lease that ran out before a waiter has woken.
    """

    def __init__(self, *, clock: Clock, table: LockTable | None = None) -> None:
        self._clock = clock
        self._table = LockTable() if table is None else table
        self._waiters: set[Waiter] = set()

    @property
    def capabilities(self) -> LockCapabilities:
        return LockCapabilities(name="in-process", durable=False, shared="process")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leases stay until they run out, as those of any client that is gone. Whoever still waits is told."""
        for waiter in self._waiters:
            if not waiter.granted.done():
                waiter.granted.set_exception(Unavailable(f"lock {waiter.name!r}: closed while waiting"))

    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        _check(name, owner, ttl)
        if not 0 <= wait < math.inf:
            raise Rejected(f"wait {wait}: not allowed (0 seconds or more, finite)", "wait")
        if self._table.live(name, self._clock) is None:
            return self._table.grant(name, owner, ttl, self._clock)
        if wait > 0:
            waiter = Waiter(name, owner, ttl, asyncio.get_running_loop().create_future())
            lease = await self._wait(waiter, self._clock.monotonic() + wait)
            if lease is not None:
                return lease
        holder = self._table.live(name, self._clock)
        raise LockTimeout(
            f"lock {name!r}: held by {holder.owner!r}" if holder else f"lock {name!r}: just missed",
            held(holder) if holder else None,
        )

    async def renew(self, lease: Lease, *, ttl: float) -> Lease:
        _check(lease.name, lease.owner, ttl)
        return self._table.renew(lease, ttl, self._clock)

    async def release(self, lease: Lease) -> None:
        self._table.release(lease, self._clock)

    async def inspect(self, name: str) -> Held | None:
        lease = self._table.live(name, self._clock)
        return None if lease is None else held(lease)

    async def list(self, *, prefix: str = "", limit: int = 100) -> list[Held]:
        return [held(lease) for lease in self._table.live_leases(self._clock, prefix=prefix, limit=limit)]

    async def force_release(self, name: str, *, by: str, reason: str) -> Held | None:
        lease = self._table.live(name, self._clock)
        if lease is None:
            return None
        self._table.end(name, self._clock)
        _log.warning("lock %r of %r (token %d) forced by %r: %s", name, lease.owner, lease.token, by, reason)
        return held(lease)

    async def _wait(self, waiter: Waiter, deadline: float) -> Lease | None:
        """The lease, or None once `deadline` has passed."""
        self._table.join(waiter)
        self._waiters.add(waiter)
        taken = False
        try:
            while not waiter.granted.done() and (now := self._clock.monotonic()) < deadline:
                await self._doze(waiter, min(deadline, self._table.expiry(waiter.name)) - now)
                self._table.hand_over(waiter.name, self._clock)
            taken = True
            return waiter.granted.result() if waiter.granted.done() else None
        finally:
            self._waiters.discard(waiter)
            self._table.leave(waiter)
            if not taken and waiter.granted.done() and waiter.granted.exception() is None:
                self._table.give_back(waiter.granted.result(), self._clock)

    async def _doze(self, waiter: Waiter, seconds: float) -> None:
        """Until the wish is granted or `seconds` have passed, or sooner if the lease was cut short."""
        waiter.alarm = asyncio.create_task(self._clock.sleep(seconds))
        try:
            await asyncio.wait((waiter.granted, waiter.alarm), return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiter.alarm.cancel()
            waiter.alarm = None


def _check(name: str, owner: str, ttl: float) -> None:
    if not name:
        raise Rejected("name: must not be empty", "name")
    if not owner:
        raise Rejected("owner: must not be empty", "owner")
    if not 0 < ttl <= MAX_TTL:
        raise Rejected(f"ttl {ttl}: not allowed (more than 0 and at most {MAX_TTL:.0f} seconds)", "ttl")
