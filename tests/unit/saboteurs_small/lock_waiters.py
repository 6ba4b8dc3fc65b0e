"""Locks that break what is promised to those who wait."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agent_memory.ports.errors import LockTimeout

from .registry import breaks
from .remote_lock import RemoteLock, lease_of

if TYPE_CHECKING:
    from agent_memory.adapters.inprocess.lock_table import LockTable
    from agent_memory.ports.lock import Held, Lease
    from agent_memory_contract.manual_clock import ManualClock

    from .lines import Line

FAR = 500.0


@breaks("LOCK-32")
class AlwaysWaitsALittle(RemoteLock):
    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        return await super().acquire(name, owner=owner, ttl=ttl, wait=max(wait, 1.0))


@breaks("LOCK-34")
class GivesUpEarly(RemoteLock):
    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        return await super().acquire(name, owner=owner, ttl=ttl, wait=0.9 * wait)


@breaks("LOCK-34")
class GivesUpLate(RemoteLock):
    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        return await super().acquire(name, owner=owner, ttl=ttl, wait=1.2 * wait)


@breaks("LOCK-35", "LOCK-45")
class ReleasesLate(RemoteLock):
    async def release(self, lease: Lease) -> None:
        async def late() -> None:
            await self.clock.sleep(FAR)
            await self.inner.release(lease)

        self.line.later(late())


@breaks("LOCK-36")
class LooksOnlyAtTheEndOfItsWait(RemoteLock):
    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        try:
            return await super().acquire(name, owner=owner, ttl=ttl)
        except LockTimeout:
            await self.clock.sleep(wait)
            return await super().acquire(name, owner=owner, ttl=ttl)


@breaks("LOCK-37")
class ForcesLate(RemoteLock):
    async def force_release(self, name: str, *, by: str, reason: str) -> Held | None:
        async def late() -> None:
            await self.clock.sleep(FAR)
            await self.inner.force_release(name, by=by, reason=reason)

        self.line.later(late())
        return await self.inspect(name)


@breaks("LOCK-38", "LOCK-39")
class TrustsTheFirstExpiry(RemoteLock):
    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        try:
            return await super().acquire(name, owner=owner, ttl=ttl)
        except LockTimeout as error:
            if not wait or error.holder is None:
                raise
            await self.clock.sleep((error.holder.expires_at - self.clock.now()).total_seconds())
        await self.force_release(name, by=owner, reason="must have expired")
        return await super().acquire(name, owner=owner, ttl=ttl)


@breaks("LOCK-40")
class WaitsOnWhenCancelled(RemoteLock):
    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        work = asyncio.create_task(super().acquire(name, owner=owner, ttl=ttl, wait=wait))
        # Nobody awaits it once its caller was cancelled.
        work.add_done_callback(lambda _: work.cancelled() or work.exception())
        return await asyncio.shield(work)


@breaks("LOCK-41")
class KeepsWhatTheCancelledGot(RemoteLock):
    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        lease = await super().acquire(name, owner=owner, ttl=ttl, wait=wait)
        for _ in range(3):
            await asyncio.sleep(0)
        return lease


@breaks("LOCK-42")
class LosesWakeUps(RemoteLock):
    """Wakes one waiter a release, and asks not whether it still lives."""

    def __init__(self, clock: ManualClock, line: Line, table: LockTable) -> None:
        super().__init__(clock, line, table)
        self.waiting: list[asyncio.Event] = []

    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        while True:
            try:
                return await super().acquire(name, owner=owner, ttl=ttl)
            except LockTimeout:
                if not wait:
                    raise
            self.waiting.append(asyncio.Event())
            await self.waiting[-1].wait()

    async def release(self, lease: Lease) -> None:
        await super().release(lease)
        if self.waiting:
            self.waiting.pop(0).set()


@breaks("LOCK-43")
class GrantsToThoseWhoGaveUp(RemoteLock):
    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        try:
            return await super().acquire(name, owner=owner, ttl=ttl, wait=wait)
        except LockTimeout:
            self.line.later(self.inner.acquire(name, owner=owner, ttl=ttl, wait=FAR))
            raise


@breaks("LOCK-48")
class GrantsWaitersWhenCutOff(RemoteLock):
    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        try:
            return await super().acquire(name, owner=owner, ttl=ttl)
        except LockTimeout as error:
            if error.holder is None:
                raise
            await self.line.cut.wait()
            return lease_of(error.holder)
