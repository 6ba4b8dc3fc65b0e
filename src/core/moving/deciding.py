"""What is to be done with each piece of an import, seen against what the store holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ...ports.changes import Added, AddRelation, Linked, PutSession, Restored, RestoreVote
from ...ports.queries import Sweep
from ...ports.records import Relation, Session, Vote
from ...ports.scopes import ScopeFilter, within
from .grouping import Whole
from .merging import Decision, decide
from .records import Section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...ports.changes import Outcome
    from ...ports.records import Entry
    from ...ports.storage import Storage
    from ..requests_moving import OnConflict
    from .grouping import Batch
    from .merging import Verdict

# An id may be taken where the caller sees nothing of it.
_EVERYWHERE = ScopeFilter(descendants=True)
_PAGE = 256


class Case(msgspec.Struct, frozen=True):
    """`subject` names it for people."""

    section: Section
    subject: str
    decision: Decision

    def but(self, verdict: Verdict, reason: str = "") -> Case:
        return msgspec.structs.replace(self, decision=Decision(verdict, reason=reason))


def outcome_of(case: Case, outcomes: Sequence[Outcome]) -> Case:
    """The case as the store decided it."""
    for outcome in outcomes:
        match outcome:
            case Added(duplicate=True):
                return case.but("conflict", f"entry {outcome.id} says the same")
            case Linked(created=False) | Restored(created=False):
                return case.but("skipped")
            case _:
                pass
    return case


class Deciding:
    def __init__(self, storage: Storage, *, ceiling: str, policy: OnConflict) -> None:
        self._storage = storage
        self._ceiling = ceiling
        self._policy: OnConflict = policy

    async def cases(self, batch: Batch, *, tries: bool = False) -> list[Case]:
        """In the order of the batch. `tries`: nothing will be written, so that what only the writing would show is
        looked for as far as it can be.
        """
        wholes = [item for item in batch if isinstance(item, Whole)]
        relations = [item for item in batch if isinstance(item, Relation)]
        sessions = [item for item in batch if isinstance(item, Session)]
        votes = [item for item in batch if isinstance(item, Vote)]
        return [
            *(await self._entries(wholes) if wholes else ()),
            *(await self._relations(relations, tries=tries) if relations else ()),
            *(await self._sessions(sessions) if sessions else ()),
            *(await self._votes(votes, tries=tries) if votes else ()),
        ]

    async def _entries(self, wholes: Sequence[Whole]) -> list[Case]:
        standing: dict[str, Entry] = {}
        sweep = Sweep(where=_EVERYWHERE, limit=_PAGE)
        ids = [whole.entry.id for whole in wholes]
        page = await self._storage.sweep_versions(sweep, ids=ids, former=False)
        standing.update((revision.entry.id, revision.entry) for revision in page.items)
        cases: list[Case] = []
        for whole in wholes:
            new = whole.entry
            stands = standing.get(new.id)
            past = None
            if stands is not None and stands.version > new.version:
                past = await self._version(new.id, new.version)
            decision = decide(whole, stands, past, ceiling=self._ceiling, policy=self._policy)
            cases.append(Case("entries", new.id, decision))
        return cases

    async def _version(self, entry_id: str, number: int) -> Entry | None:
        sweep = Sweep(where=_EVERYWHERE, limit=_PAGE)
        while True:
            page = await self._storage.sweep_versions(sweep, ids=[entry_id])
            for revision in page.items:
                if revision.entry.version == number:
                    return revision.entry
            if page.cursor is None:
                return None
            sweep = msgspec.structs.replace(sweep, cursor=page.cursor)

    async def _relations(self, relations: Sequence[Relation], *, tries: bool) -> list[Case]:
        ends = list(dict.fromkeys(end for each in relations for end in (each.source, each.target)))
        under = ScopeFilter(scope=self._ceiling, inherit=False, descendants=True, ceiling=self._ceiling)
        sweep = Sweep(where=under, limit=len(ends))
        page = await self._storage.sweep_versions(sweep, ids=ends, former=False)
        seen = {revision.entry.id for revision in page.items if revision.entry.state != "deleted"}
        cases: list[Case] = []
        for each in relations:
            decision = Decision("created", (AddRelation(each),))
            missing = [end for end in (each.source, each.target) if end not in seen]
            if missing and not tries:
                decision = Decision("conflict", reason=f"entry {missing[0]} is not here")
            cases.append(Case("relations", f"{each.source} {each.type} {each.target}", decision))
        return cases

    async def _sessions(self, sessions: Sequence[Session]) -> list[Case]:
        sweep = Sweep(where=_EVERYWHERE, limit=_PAGE)
        page = await self._storage.sweep_sessions(sweep, ids=[each.id for each in sessions])
        standing = {each.id: each for each in page.items}
        return [Case("sessions", each.id, self._session(each, standing.get(each.id))) for each in sessions]

    def _session(self, new: Session, standing: Session | None) -> Decision:
        if standing is None:
            return Decision("created", (PutSession(new),))
        if not within(standing.scope, self._ceiling):
            return Decision("conflict", reason="the id is taken")
        if standing == new:
            return Decision("skipped")
        if self._policy != "update":
            return Decision("conflict", reason="it stands here and differs")
        if standing.scope != new.scope:
            return Decision("conflict", reason=f"it stands in scope {standing.scope!r}")
        return Decision("updated", (PutSession(new),))

    async def _votes(self, votes: Sequence[Vote], *, tries: bool) -> list[Case]:
        cast: set[Vote] = set()
        if tries:
            for scope, question in {(each.scope, each.question) for each in votes}:
                cast.update(await self._storage.votes(scope, question))
        return [
            Case(
                "votes",
                f"{each.agent} on {each.question}",
                Decision("skipped") if each in cast else Decision("created", (RestoreVote(each),)),
            )
            for each in votes
        ]
