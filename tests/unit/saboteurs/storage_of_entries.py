"""Saboteurs of STORAGE-20 to STORAGE-49: entries bent, versions skipped, facts taken for each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent_memory.ports.changes import (
    Added,
    AddEntry,
    Applied,
    Enqueue,
    Removed,
    RemoveEntries,
    Replaced,
    ReplaceEntry,
)
from agent_memory.ports.errors import Conflict, NotFound
from agent_memory.ports.records import STATES, Provenance
from agent_memory_contract.builders import digest, new_id
from agent_memory_contract.storage_reads import WHATEVER, matches

from .storage_of_units import blind
from .storage_registry import breaks
from .storage_wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_memory.ports.changes import Change, Once, Outcome
    from agent_memory.ports.queries import EntryFilter
    from agent_memory.ports.records import Entry
    from agent_memory.ports.storage import Storage


def altered(change: AddEntry, **fields: object) -> AddEntry:
    return AddEntry(msgspec.structs.replace(change.entry, **fields), change.jobs)


@breaks(20)
class ForgetsProvenance(Wrapper):
    def shown(self, entry: Entry) -> Entry:
        return msgspec.structs.replace(entry, provenance=Provenance())


@breaks(20)
class RoundsInstants(Wrapper):
    def shown(self, entry: Entry) -> Entry:
        return msgspec.structs.replace(entry, created_at=entry.created_at.replace(microsecond=0))


@breaks(21)
class SortsByItself(Wrapper):
    async def get(self, ids: Sequence[str], *, ceiling: str = "global") -> list[Entry]:
        return await self.inner.get(sorted(ids), ceiling=ceiling)


@breaks(21)
class RepeatsIds(Wrapper):
    async def get(self, ids: Sequence[str], *, ceiling: str = "global") -> list[Entry]:
        return [e for i in ids for e in await self.inner.get([i], ceiling=ceiling)]


@breaks(22)
class ReadsTheCeilingAsPrefix(Wrapper):
    async def get(self, ids: Sequence[str], *, ceiling: str = "global") -> list[Entry]:
        found = await self.inner.get(ids)
        return [e for e in found if ceiling == "global" or e.scope.startswith(ceiling)]


@breaks(23, 47)
class KeepsEntriesActive(Wrapper):
    async def rewritten(self, change: Change) -> Change:
        if not isinstance(change, ReplaceEntry):
            return change
        return ReplaceEntry(msgspec.structs.replace(change.entry, state="active"), change.expected_version)


@breaks(24, 26, 48)
class KeepsTheCurrentToItself(Wrapper):
    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        try:
            return await self.inner.apply(*changes, once=once)
        except Conflict as conflict:
            raise Conflict(str(conflict)) from conflict


@breaks(25)
class AnswersForWhatIsMissing(Wrapper):
    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        try:
            return await self.inner.apply(*changes, once=once)
        except NotFound:
            return Applied(tuple(Replaced(c.entry.id, 2) for c in changes if isinstance(c, ReplaceEntry)))


@breaks(24, 26, 27)
class LastWriterWins(Wrapper):
    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        while True:
            try:
                return await self.inner.apply(*[await blind(self.inner, c) for c in changes], once=once)
            except Conflict:
                continue


@breaks(28)
class MovesEntries(Wrapper):
    def __init__(self, inner: Storage) -> None:
        super().__init__(inner)
        self.moved: dict[str, str] = {}

    async def rewritten(self, change: Change) -> Change:
        if isinstance(change, ReplaceEntry):
            self.moved[change.entry.id] = change.entry.scope
            entry = msgspec.structs.replace(change.entry, scope="acme/web")
            return ReplaceEntry(entry, change.expected_version)
        return change

    def shown(self, entry: Entry) -> Entry:
        return msgspec.structs.replace(entry, scope=self.moved.get(entry.id, entry.scope))


@breaks(29)
class TakesIdsForIdentity(Wrapper):
    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        try:
            return await self.inner.apply(*changes, once=once)
        except Conflict:
            return Applied(
                tuple(Added(c.entry.id, 1, duplicate=True) for c in changes if isinstance(c, AddEntry))
            )


@breaks(30, 33)
class ClaimsAllRemoved(Wrapper):
    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        applied = await self.inner.apply(*changes, once=once)
        outcomes = [
            Removed(change.ids) if isinstance(change, RemoveEntries) else outcome
            for change, outcome in zip(changes, applied.outcomes, strict=True)
        ]
        return msgspec.structs.replace(applied, outcomes=tuple(outcomes))


@breaks(30)
class RemovesAboveTheCeiling(Wrapper):
    async def rewritten(self, change: Change) -> Change:
        if isinstance(change, RemoveEntries):
            return msgspec.structs.replace(change, ceiling="global")
        return change


@breaks(31, 71, 80, 83)
class ShowsTombstones(Wrapper):
    def asked(self, asked: EntryFilter) -> EntryFilter:
        return asked if asked.states else msgspec.structs.replace(asked, states=STATES)


@breaks(32, 33, 58, 260)
class DeletesInsteadOfPurging(Wrapper):
    async def rewritten(self, change: Change) -> Change:
        if isinstance(change, RemoveEntries):
            return msgspec.structs.replace(change, purge=False)
        return change


@breaks(34)
class LetsVersionsSkip(Wrapper):
    async def rewritten(self, change: Change) -> Change:
        if isinstance(change, ReplaceEntry):
            entry = msgspec.structs.replace(change.entry, version=change.expected_version + 1)
            return ReplaceEntry(entry, change.expected_version)
        return change


@breaks(40)
class ForgetsTheVersionOfRepeats(Wrapper):
    def answered(self, applied: Applied) -> Applied:
        outcomes: list[Outcome] = [
            msgspec.structs.replace(o, version=1) if isinstance(o, Added) else o for o in applied.outcomes
        ]
        return msgspec.structs.replace(applied, outcomes=tuple(outcomes))


@breaks(41)
class EnqueuesForRepeats(Wrapper):
    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        applied = await self.inner.apply(*changes, once=once)
        for change, outcome in zip(changes, applied.outcomes, strict=True):
            if isinstance(change, AddEntry) and isinstance(outcome, Added) and outcome.duplicate:
                at = change.entry.created_at
                await self.inner.apply(*(Enqueue(job, at) for job in change.jobs))
        return applied


@breaks(42, 43)
class ChecksThenAdds(Wrapper):
    async def rewritten(self, change: Change) -> Change:
        if not isinstance(change, AddEntry) or change.entry.content in {
            e.content for e in await matches(self.inner)
        }:
            return change
        return altered(change, content_hash=digest(new_id()))


@breaks(44)
class ForgetsRepeatsWithinAUnit(Wrapper):
    async def written(self, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        first, *rest = changes or (None,)
        others = [
            altered(c, content_hash=digest(new_id())) if isinstance(c, AddEntry) else c for c in rest if c
        ]
        return (first, *others) if first else ()


@breaks(45)
class TakesContentForIdentity(Wrapper):
    async def rewritten(self, change: Change) -> Change:
        if isinstance(change, AddEntry):
            return altered(change, content_hash=digest(change.entry.content))
        return change


@breaks(20, 46, 78)
class NothingExpires(Wrapper):
    async def rewritten(self, change: Change) -> Change:
        return altered(change, expires_at=None) if isinstance(change, AddEntry) else change


@breaks(47)
class RepeatsWhateverWas(Wrapper):
    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        new = changes[0].entry if changes and isinstance(changes[0], AddEntry) else None
        for past in await matches(self.inner, WHATEVER):
            if new and (past.scope, past.content_hash) == (new.scope, new.content_hash):
                return Applied((Added(past.id, past.version, duplicate=True),))
        return await self.inner.apply(*changes, once=once)


@breaks(48)
class LetsUpdatesRepeat(Wrapper):
    async def rewritten(self, change: Change) -> Change:
        if isinstance(change, ReplaceEntry):
            entry = msgspec.structs.replace(change.entry, content_hash=digest(new_id()))
            return ReplaceEntry(entry, change.expected_version)
        return change


@breaks(49)
class ConflictsWithItself(Wrapper):
    async def rewritten(self, change: Change) -> Change:
        if isinstance(change, ReplaceEntry) and "titled" in change.entry.title:
            raise Conflict("this content is there already", change.entry)
        return change
