"""Locks that break what is promised of leases."""

from __future__ import annotations

import math
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import msgspec

from agent_memory.adapters.inprocess.lock_table import LockTable
from agent_memory.ports.errors import LockTimeout, NotHeld
from agent_memory.ports.lock import MAX_TTL, Held, Lease

from .registry import breaks
from .remote_lock import RemoteLock, lease_of

if TYPE_CHECKING:
    from types import TracebackType

    from agent_memory_contract.manual_clock import ManualClock

    from .lines import Line


@breaks("LOCK-01")
class DoublesTheTtl(RemoteLock):
    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        return await super().acquire(name, owner=owner, ttl=min(MAX_TTL, 2 * ttl), wait=wait)


@breaks("LOCK-02", "LOCK-31", "LOCK-46")
class OneLockForEachOwner(RemoteLock):
    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        lease = await super().acquire(f"{name} of {owner}", owner=owner, ttl=ttl, wait=wait)
        return msgspec.structs.replace(lease, name=name)

    async def release(self, lease: Lease) -> None:
        await super().release(msgspec.structs.replace(lease, name=f"{lease.name} of {lease.owner}"))


@breaks("LOCK-03")
class LetsTheHolderInAgain(RemoteLock):
    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        held = await self.inspect(name)
        if held is not None and held.owner == owner:
            return lease_of(held)
        return await super().acquire(name, owner=owner, ttl=ttl, wait=wait)


@breaks("LOCK-04")
class ReleasesOnlyInWord(RemoteLock):
    async def release(self, lease: Lease) -> None:
        await self.renew(lease, ttl=MAX_TTL)


@breaks("LOCK-05")
class ExpiresEarly(RemoteLock):
    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        return await super().acquire(name, owner=owner, ttl=0.8 * ttl, wait=wait)


@breaks("LOCK-05")
class ExpiresLate(RemoteLock):
    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        return await super().acquire(name, owner=owner, ttl=1.2 * ttl, wait=wait)


@breaks("LOCK-05")
class ExpiresAMomentLate(RemoteLock):
    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        moment = 0.001 if 0 < ttl < MAX_TTL else 0.0
        return await super().acquire(name, owner=owner, ttl=ttl + moment, wait=wait)


@breaks("LOCK-06", "LOCK-07", "LOCK-08")
class TokensStandStill(RemoteLock):
    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        self.last = await super().acquire(name, owner=owner, ttl=ttl, wait=wait)
        return msgspec.structs.replace(self.last, token=1)

    async def release(self, lease: Lease) -> None:
        await super().release(self.last)


@breaks("LOCK-09", "LOCK-47")
class EachClientCountsForItself(RemoteLock):
    def __init__(self, clock: ManualClock, line: Line, table: LockTable) -> None:
        super().__init__(clock, line, table)
        self.granted: list[Lease] = []

    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        self.granted.append(await super().acquire(name, owner=owner, ttl=ttl, wait=wait))
        return msgspec.structs.replace(self.granted[-1], token=len(self.granted))

    async def release(self, lease: Lease) -> None:
        await super().release(self.granted[lease.token - 1])


@breaks("LOCK-10")
class ForgetsOnRestart(RemoteLock):
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for held in await self.inner.list():
            await self.inner.force_release(held.name, by="restart", reason="forgotten")


@breaks("LOCK-11", "LOCK-12")
class ReleasesQuietly(RemoteLock):
    async def release(self, lease: Lease) -> None:
        with suppress(NotHeld):
            await super().release(lease)


@breaks("LOCK-13", "LOCK-14")
class ReleasesByOwner(RemoteLock):
    async def release(self, lease: Lease) -> None:
        held = await self.inspect(lease.name)
        if held is None or held.owner != lease.owner:
            raise NotHeld(lease.name)
        await super().release(lease_of(held))


@breaks("LOCK-15")
class RenewAddsToTheOldEnd(RemoteLock):
    async def renew(self, lease: Lease, *, ttl: float) -> Lease:
        left = (lease.expires_at - self.clock.now()).total_seconds()
        return await super().renew(lease, ttl=ttl + max(0.0, left))


@breaks("LOCK-15")
class SaysTheOldEnd(RemoteLock):
    """Renewed in truth, but not in word."""

    said: Lease | None = None

    async def renew(self, lease: Lease, *, ttl: float) -> Lease:
        renewed = await super().renew(lease, ttl=ttl)
        self.said = msgspec.structs.replace(renewed, expires_at=lease.expires_at)
        return self.said

    async def inspect(self, name: str) -> Held | None:
        found = await super().inspect(name)
        if found is None or self.said is None or found.token != self.said.token:
            return found
        return msgspec.structs.replace(found, expires_at=self.said.expires_at)


@breaks("LOCK-16")
class NeverShortens(RemoteLock):
    async def renew(self, lease: Lease, *, ttl: float) -> Lease:
        left = (lease.expires_at - self.clock.now()).total_seconds()
        return await super().renew(lease, ttl=max(ttl, left))


@breaks("LOCK-17", "LOCK-19")
class RenewsWhatIsOver(RemoteLock):
    async def renew(self, lease: Lease, *, ttl: float) -> Lease:
        if await self.inspect(lease.name) is None:
            return await self.acquire(lease.name, owner=lease.owner, ttl=ttl)
        return await super().renew(lease, ttl=ttl)


@breaks("LOCK-18")
class RenewsByOwner(RemoteLock):
    async def renew(self, lease: Lease, *, ttl: float) -> Lease:
        held = await self.inspect(lease.name)
        if held is None or held.owner != lease.owner:
            raise NotHeld(lease.name)
        return await super().renew(lease_of(held), ttl=ttl)


@breaks("LOCK-20")
class InspectsThePast(RemoteLock):
    async def inspect(self, name: str) -> Held | None:
        self.seen = await super().inspect(name) or getattr(self, "seen", None)
        return self.seen


@breaks("LOCK-21")
class ListsInOrderOfGrant(RemoteLock):
    async def list(self, *, prefix: str = "", limit: int = 100) -> list[Held]:
        return sorted(await super().list(prefix=prefix, limit=limit), key=lambda held: held.token)


@breaks("LOCK-22")
class ListsByPattern(RemoteLock):
    async def list(self, *, prefix: str = "", limit: int = 100) -> list[Held]:
        return [held for held in await super().list(limit=limit) if fnmatchcase(held.name, prefix + "*")]


@breaks("LOCK-23")
class ListsWithoutLimit(RemoteLock):
    async def list(self, *, prefix: str = "", limit: int = 100) -> list[Held]:
        return await super().list(prefix=prefix)


@breaks("LOCK-54")
class ListsOneMore(RemoteLock):
    async def list(self, *, prefix: str = "", limit: int = 101) -> list[Held]:
        return await super().list(prefix=prefix, limit=limit)


@breaks("LOCK-55")
class KnowsOnlyWholeSeconds(RemoteLock):
    async def renew(self, lease: Lease, *, ttl: float) -> Lease:
        return await super().renew(lease, ttl=math.ceil(ttl))


@breaks("LOCK-24")
class ForcesWithoutAWord(RemoteLock):
    async def force_release(self, name: str, *, by: str, reason: str) -> Held | None:
        await super().force_release(name, by=by, reason=reason)
        return None


@breaks("LOCK-25")
class LetsTheForcedGoOn(RemoteLock):
    async def force_release(self, name: str, *, by: str, reason: str) -> Held | None:
        self.forced = await super().force_release(name, by=by, reason=reason)
        return self.forced

    async def renew(self, lease: Lease, *, ttl: float) -> Lease:
        if self.forced is not None and lease.token == self.forced.token:
            return lease
        return await super().renew(lease, ttl=ttl)


@breaks("LOCK-26")
class FoldsNames(RemoteLock):
    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        return await super().acquire(name.strip().casefold(), owner=owner, ttl=ttl, wait=wait)


@breaks("LOCK-27")
class NamesTheNameless(RemoteLock):
    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        return await super().acquire(name, owner=owner or "nobody", ttl=ttl, wait=wait)


@breaks("LOCK-28")
class ClampsTheTtl(RemoteLock):
    async def renew(self, lease: Lease, *, ttl: float) -> Lease:
        return await super().renew(lease, ttl=min(ttl, MAX_TTL))


@breaks("LOCK-29")
class TakesAnyWait(RemoteLock):
    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        return await super().acquire(
            name, owner=owner, ttl=ttl, wait=0.0 if math.isnan(wait) else max(0.0, wait)
        )


@breaks("LOCK-30")
class GrantsWhenCutOff(RemoteLock):
    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        return await self.inner.acquire(name, owner=owner, ttl=ttl, wait=wait)


@breaks("LOCK-33")
class KeepsTheHolderSecret(RemoteLock):
    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        try:
            return await super().acquire(name, owner=owner, ttl=ttl, wait=wait)
        except LockTimeout as error:
            raise LockTimeout(str(error)) from error


@breaks("LOCK-44")
class OneTableForEachClient(RemoteLock):
    def __init__(self, clock: ManualClock, line: Line, table: LockTable) -> None:
        super().__init__(clock, line, LockTable())
