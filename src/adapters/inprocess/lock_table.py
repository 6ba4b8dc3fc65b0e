"""The leases of one process, and who waits for them. Plain data and decisions: time is passed in."""

from __future__ import annotations

from collections import OrderedDict
from datetime import timedelta
from heapq import nsmallest
from typing import TYPE_CHECKING

import msgspec

from ...ports.errors import NotHeld
from ...ports.instants import to_micros
from ...ports.lock import Held, Lease

if TYPE_CHECKING:
    import asyncio

    from ...ports.clock import Clock

_FIRST_SWEEP = 64


class Waiter:
    """A wish for a lease. `granted` gets it in the instant that the former one ends.

    `alarm` is the sleep until the lease that is waited for may have run out; it is cut short when that comes earlier.
    """

    __slots__ = ("alarm", "granted", "name", "owner", "ttl")

    def __init__(self, name: str, owner: str, ttl: float, granted: asyncio.Future[Lease]) -> None:
        self.name = name
        self.owner = owner
        self.ttl = ttl
        self.granted = granted
        self.alarm: asyncio.Task[None] | None = None


class LockTable:
    """What a lock server keeps. Adapters that share one are clients of one server."""

    def __init__(self) -> None:
        self._live: dict[str, tuple[Lease, float]] = {}
        self._waiting: dict[str, OrderedDict[Waiter, None]] = {}
        self._last_token = 0
        self._sweep_at = _FIRST_SWEEP

    def __len__(self) -> int:
        """How many leases are remembered."""
        return len(self._live)

    @property
    def waiting(self) -> int:
        return sum(map(len, self._waiting.values()))

    def live(self, name: str, clock: Clock) -> Lease | None:
        found = self._live.get(name)
        return None if found is None or found[1] <= clock.monotonic() else found[0]

    def expiry(self, name: str) -> float:
        return self._live[name][1]

    def live_leases(self, clock: Clock, *, prefix: str, limit: int) -> list[Lease]:
        now = clock.monotonic()
        names = (n for n, (_, until) in self._live.items() if until > now and n.startswith(prefix))
        return [self._live[name][0] for name in nsmallest(limit, names)]

    def grant(self, name: str, owner: str, ttl: float, clock: Clock) -> Lease:
        """The caller has seen that no lease is live."""
        self._sweep(clock)
        at = clock.now()
        # From the wall clock, so that a restarted process goes on above the tokens of the former one.
        self._last_token = max(self._last_token + 1, to_micros(at))
        lease = Lease(
            name=name,
            owner=owner,
            token=self._last_token,
            acquired_at=at,
            expires_at=at + timedelta(seconds=ttl),
        )
        self._live[name] = (lease, clock.monotonic() + ttl)
        return lease

    def renew(self, lease: Lease, ttl: float, clock: Clock) -> Lease:
        current, until = self._current(lease, clock)
        renewed = msgspec.structs.replace(current, expires_at=clock.now() + timedelta(seconds=ttl))
        renewed_until = clock.monotonic() + ttl
        self._live[lease.name] = (renewed, renewed_until)
        if renewed_until < until:
            for waiter in self._waiting.get(lease.name, ()):
                if waiter.alarm is not None:
                    waiter.alarm.cancel()
        return renewed

    def release(self, lease: Lease, clock: Clock) -> None:
        self._current(lease, clock)
        self.end(lease.name, clock)

    def give_back(self, lease: Lease, clock: Clock) -> None:
        """Release what nobody learned of; it may have run out since."""
        if self.live(lease.name, clock) is lease:
            self.end(lease.name, clock)

    def end(self, name: str, clock: Clock) -> None:
        """End the lease of `name`, if any, and hand the lock to whoever waits longest."""
        self._live.pop(name, None)
        self.hand_over(name, clock)

    def hand_over(self, name: str, clock: Clock) -> None:
        """Grant to the first who waits, unless a lease is live."""
        queue = self._waiting.get(name)
        while queue and self.live(name, clock) is None:
            waiter, _ = queue.popitem(last=False)
            if not waiter.granted.done():
                waiter.granted.set_result(self.grant(name, waiter.owner, waiter.ttl, clock))
        if queue is not None and not queue:
            del self._waiting[name]

    def join(self, waiter: Waiter) -> None:
        self._waiting.setdefault(waiter.name, OrderedDict())[waiter] = None

    def leave(self, waiter: Waiter) -> None:
        """Stop waiting; no harm once granted."""
        queue = self._waiting.get(waiter.name)
        if queue is not None:
            queue.pop(waiter, None)
            if not queue:
                del self._waiting[waiter.name]

    def _current(self, lease: Lease, clock: Clock) -> tuple[Lease, float]:
        current = self.live(lease.name, clock)
        if current is None or (current.token, current.owner) != (lease.token, lease.owner):
            raise NotHeld(f"lock {lease.name!r}: the lease of {lease.owner!r} (token {lease.token}) is over")
        return self._live[lease.name]

    def _sweep(self, clock: Clock) -> None:
        """Forget leases that ran out: each time the table has doubled, so a constant cost a grant."""
        if len(self._live) < self._sweep_at:
            return
        now = clock.monotonic()
        self._live = {name: held for name, held in self._live.items() if held[1] > now}
        self._sweep_at = max(_FIRST_SWEEP, 2 * len(self._live))


def held(lease: Lease) -> Held:
    return Held(
        name=lease.name,
        owner=lease.owner,
        token=lease.token,
        acquired_at=lease.acquired_at,
        expires_at=lease.expires_at,
    )
