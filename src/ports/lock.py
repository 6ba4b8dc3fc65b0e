"""Lock: leases by name, with fencing tokens.

Promises. At most one live lease per name. Each grant's token is greater than every earlier one of that name,
across expiry, release, force-release and restart of anything. Expiry is by the lock server's clock. A waiter
wakes when the lease is released, forced or expires, without busy polling; a cancelled waiter leaves no trace,
and a lease granted in the instant of cancellation is given back. Leaving the adapter tells who waits at once:
`Unavailable`. Not reentrant: the holder waits like any other. Only the owner's current token renews or releases.
Names that are free, and waits that are over, take no room in this process.

Not promised. Fairness between waiters; that the holder still lives: a lease that ran out is over, whatever its
owner believes, so a resource must refuse a token lower than the highest it has seen.

Errors: `LockTimeout`, `NotHeld`, `Rejected` (empty name or owner, ttl or wait out of range), `Unavailable` when
the backend fails: a lock is never granted in doubt.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol, Self

import msgspec

if TYPE_CHECKING:
    from types import TracebackType

MAX_TTL = 86_400.0
"""Seconds. A lock meant for longer is a fact, not a lease: remember it."""


class LockCapabilities(msgspec.Struct, frozen=True, kw_only=True):
    """`durable`: tokens and leases survive a restart of the lock server."""

    name: str
    durable: bool
    shared: Literal["process", "host", "network"]


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    owner: str
    token: int
    acquired_at: datetime
    expires_at: datetime


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What anyone may know of a live lease: all but the right to use it."""

    name: str
    owner: str
    token: int
    acquired_at: datetime
    expires_at: datetime


class Lock(Protocol):
    @property
    def capabilities(self) -> LockCapabilities: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        """Seconds: 0 < ttl <= MAX_TTL; wait 0 tries once. `LockTimeout` carries the holder."""
        ...

    async def renew(self, lease: Lease, *, ttl: float) -> Lease:
        """The same token, expiring `ttl` from now. `NotHeld` once it ran out, even if nobody took it since."""
        ...

    async def release(self, lease: Lease) -> None:
        """`NotHeld` unless this very lease is live."""
        ...

    async def inspect(self, name: str) -> Held | None:
        """The live lease, or None."""
        ...

    async def list(self, *, prefix: str = "", limit: int = 100) -> list[Held]:
        """Live leases by name."""
        ...

    async def force_release(self, name: str, *, by: str, reason: str) -> Held | None:
        """End whatever lease is live and return it, None if there was none. Who and why are logged (audit)."""
        ...
