"""Saboteurs of STORAGE-01 to STORAGE-17: units that leak, mix, lose or linger."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec

from agent_memory.ports.changes import Added, AddEntry, Applied, Done, ReplaceEntry
from agent_memory.ports.errors import PortError, Unavailable

from .storage_registry import breaks
from .storage_wrapper import WrappedReader, WrappedUnit, Wrapper

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from agent_memory.ports.changes import Change, Once, Outcome
    from agent_memory.ports.records import Entry
    from agent_memory.ports.storage import Storage, UnitOfWork


async def one_by_one(store: Storage, changes: Sequence[Change]) -> Applied:
    """Each change in a unit of its own, at once kept whatever becomes of the caller."""
    outcomes: list[Outcome] = []
    for change in changes:
        applied = await asyncio.shield(asyncio.ensure_future(store.apply(change)))
        outcomes.extend(applied.outcomes)
    return Applied(tuple(outcomes))


@breaks(1, 6, 172, 189)
class CommitsWhatFailed(Wrapper):
    @asynccontextmanager
    async def unit(self) -> AsyncGenerator[UnitOfWork]:
        failure: Exception | None = None
        async with self.inner.unit() as unit:
            try:
                yield unit
            except Exception as error:  # noqa: BLE001 (the sabotage itself)
                failure = error
        if failure:
            raise failure


@breaks(2, 3, 5)
class AppliesOneByOne(Wrapper):
    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        return await one_by_one(self.inner, changes)


class OutsideUnit(WrappedReader):
    """A unit that is none: it reads and writes the store directly."""

    def __init__(self, store: Storage) -> None:
        super().__init__(store)
        self.store = store

    async def apply(self, *changes: Change) -> Applied:
        return await one_by_one(self.store, changes)


@breaks(1, 4, 8, 11)
class CommitsAtOnce(Wrapper):
    @asynccontextmanager
    async def unit(self) -> AsyncGenerator[UnitOfWork]:
        yield OutsideUnit(self.inner)


@breaks(5)
class OneFailsAll(Wrapper):
    poisoned = False

    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        try:
            return await self.inner.apply(*changes, once=once)
        except PortError:
            self.poisoned = True
            raise
        finally:
            if self.poisoned:
                raise Unavailable("the batch failed")


@breaks(7)
class ReadsOutsideItsUnit(Wrapper):
    @asynccontextmanager
    async def unit(self) -> AsyncGenerator[UnitOfWork]:
        async with self.inner.unit() as unit:
            outside = WrappedUnit(unit, self)
            outside.reads = self.inner
            yield outside


@breaks(9)
class LagsBehind(Wrapper):
    def __init__(self, inner: Storage) -> None:
        super().__init__(inner)
        self.seen: set[str] = set()

    async def get(self, ids: Sequence[str], *, ceiling: str = "global") -> list[Entry]:
        found = await self.inner.get(ids, ceiling=ceiling)
        known = [entry for entry in found if entry.id in self.seen]
        self.seen.update(entry.id for entry in found)
        return known


@breaks(10)
class AnswersInReverse(Wrapper):
    def answered(self, applied: Applied) -> Applied:
        return msgspec.structs.replace(applied, outcomes=applied.outcomes[::-1])


@breaks(12)
class AnswersAnEmptyApply(Wrapper):
    def answered(self, applied: Applied) -> Applied:
        return applied if applied.outcomes else Applied((Done(),))


@breaks(4, 13)
class WedgesWhenCancelled(Wrapper):
    wedged = False

    @asynccontextmanager
    async def unit(self) -> AsyncGenerator[UnitOfWork]:
        if self.wedged:
            raise Unavailable("the turn of a cancelled unit never ends")
        try:
            async with self.inner.unit() as unit:
                yield unit
        except asyncio.CancelledError:
            self.wedged = True
            raise


class LateUnit(OutsideUnit):
    """Reads what is committed when it asks, writes blindly when it is left."""

    def __init__(self, store: Storage) -> None:
        super().__init__(store)
        self.changes: list[Change] = []

    async def apply(self, *changes: Change) -> Applied:
        self.changes.extend(changes)
        return Applied(())


async def blind(store: Storage, change: Change) -> Change:
    """A replacement that fits whatever version stands by now."""
    if not isinstance(change, ReplaceEntry):
        return change
    current = await store.get([change.entry.id])
    if not current:
        return change
    version = current[0].version
    entry = msgspec.structs.replace(change.entry, version=version + 1)
    return ReplaceEntry(entry, version, change.jobs)


@breaks(14)
class LosesUpdates(Wrapper):
    @asynccontextmanager
    async def unit(self) -> AsyncGenerator[UnitOfWork]:
        late = LateUnit(self.inner)
        yield late
        while late.changes:
            try:
                await self.inner.apply(*[await blind(self.inner, change) for change in late.changes])
            except PortError:
                continue
            late.changes.clear()


@breaks(15, 159, 247)
class DropsUnderLoad(Wrapper):
    """What it acknowledges beyond ten writes in flight is not written."""

    in_flight = 0

    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        if self.in_flight > 10:
            return Applied(
                tuple(
                    Added(c.entry.id, 1, duplicate=False) if isinstance(c, AddEntry) else Done()
                    for c in changes
                )
            )
        self.in_flight += 1
        try:
            return await self.inner.apply(*changes, once=once)
        finally:
            self.in_flight -= 1


@breaks(16)
class ReadsBitByBit(Wrapper):
    async def get(self, ids: Sequence[str], *, ceiling: str = "global") -> list[Entry]:
        found: list[Entry] = []
        for entry_id in ids:
            head = await self.inner.outbox_head()
            found += await self.inner.get([entry_id], ceiling=ceiling)
            for _ in range(20):
                if await self.inner.outbox_head() != head:
                    break
        return found


@breaks(17)
class KeepsTheSeqToItself(Wrapper):
    def answered(self, applied: Applied) -> Applied:
        return msgspec.structs.replace(applied, seq=0)
