"""An upright lock, as a client behind a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import msgspec

from agent_memory.adapters.inprocess.lock import InProcessLock
from agent_memory.adapters.inprocess.lock_table import LockTable
from agent_memory.ports.lock import Held, Lease, LockCapabilities

from .lines import CutHarness, Line

if TYPE_CHECKING:
    from types import TracebackType

    from agent_memory_contract.manual_clock import ManualClock


def lease_of(held: Held) -> Lease:
    return msgspec.convert(msgspec.structs.asdict(held), Lease)


class RemoteLock:
    def __init__(self, clock: ManualClock, line: Line, table: LockTable) -> None:
        self.clock = clock
        self.line = line
        self.inner = InProcessLock(clock=clock, table=table)

    @property
    def capabilities(self) -> LockCapabilities:
        return LockCapabilities(name="remote", durable=True, shared="process")

    async def __aenter__(self) -> Self:
        await self.inner.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.inner.__aexit__(kind, error, trace)

    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        self.line.check()
        return await self.inner.acquire(name, owner=owner, ttl=ttl, wait=wait)

    async def renew(self, lease: Lease, *, ttl: float) -> Lease:
        self.line.check()
        return await self.inner.renew(lease, ttl=ttl)

    async def release(self, lease: Lease) -> None:
        self.line.check()
        await self.inner.release(lease)

    async def inspect(self, name: str) -> Held | None:
        self.line.check()
        return await self.inner.inspect(name)

    async def list(self, *, prefix: str = "", limit: int = 100) -> list[Held]:
        self.line.check()
        return await self.inner.list(prefix=prefix, limit=limit)

    async def force_release(self, name: str, *, by: str, reason: str) -> Held | None:
        self.line.check()
        return await self.inner.force_release(name, by=by, reason=reason)


def lock_harness(kind: type[RemoteLock]) -> CutHarness[RemoteLock]:
    table = LockTable()
    return CutHarness(lambda clock, line: kind(clock, line, table))
