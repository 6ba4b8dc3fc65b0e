"""What is to be done with each piece of an import, seen against what the store holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ...ports.changes import Added, AddRelation, Linked, PutSession, Restored, RestoreVote
from ...ports.queries import Sweep
from ...ports.records import Relation, Session, Vote
from ...ports.scopes import ScopeFilter, within
from .grouping import Whole
from .merging import NOT_HAD, Decision, decide
from .naming import Naming, under
from .records import Section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...ports.changes import Outcome
    from ...ports.records import Entry
    from ...ports.storage import Storage
    from ..requests_moving import OnConflict
    from .grouping import Batch
    from .merging import Verdict

_EVERYWHERE = ScopeFilter(descendants=True)
_PAGE = 256
_NO_BALLOTS = (
    "under a ceiling ballots come in only where there is an admin key (AGENT_MEMORY_ADMIN_KEY), or by agent-memory "
    "import"
)


class Case(msgspec.Struct, frozen=True):
    """`subject` names it for people. `renamed`: it is kept under an id of its own."""

    section: Section
    subject: str
    decision: Decision
    renamed: bool = False

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
    """`ballots` false: those that do not stand already are left out."""

    def __init__(self, storage: Storage, *, ceiling: str, policy: OnConflict, ballots: bool = True) -> None:
        self._storage = storage
        self._ceiling = ceiling
        self._policy: OnConflict = policy
        self._naming = Naming(storage, ceiling)
        self._ballots = ballots

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
        named, standing = await self._naming.entries([whole.entry.id for whole in wholes])
        cases: list[Case] = []
        for given in wholes:
            whole = under(given, named[given.entry.id])
            new = whole.entry
            stands = standing.get(new.id)
            past = None
            if stands is not None and stands.version > new.version:
                past = await self._version(new.id, new.version)
            decision = decide(whole, stands, past, ceiling=self._ceiling, policy=self._policy)
            cases.append(Case("entries", given.entry.id, decision, new.id != given.entry.id))
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
        named, standing = await self._naming.entries(ends)
        seen = {
            end
            for end in ends
            if (stands := standing.get(named[end])) is not None
            and stands.state != "deleted"
            and within(stands.scope, self._ceiling)
        }
        cases: list[Case] = []
        for each in relations:
            tie = msgspec.structs.replace(each, source=named[each.source], target=named[each.target])
            decision = Decision("created", (AddRelation(tie),))
            missing = [end for end in (each.source, each.target) if end not in seen]
            if missing and not tries:
                decision = Decision("conflict", reason=f"entry {missing[0]} is not here")
            cases.append(Case("relations", f"{each.source} {each.type} {each.target}", decision))
        return cases

    async def _sessions(self, sessions: Sequence[Session]) -> list[Case]:
        named, standing = await self._naming.sessions([each.id for each in sessions])
        cases: list[Case] = []
        for each in sessions:
            new = msgspec.structs.replace(each, id=named[each.id])
            cases.append(
                Case("sessions", each.id, self._session(new, standing.get(new.id)), new.id != each.id)
            )
        return cases

    def _session(self, new: Session, standing: Session | None) -> Decision:
        if standing is None:
            return Decision("created", (PutSession(new),))
        if not within(standing.scope, self._ceiling):
            return Decision("conflict", reason=NOT_HAD)
        if standing == new:
            return Decision("skipped")
        if self._policy != "update":
            return Decision("conflict", reason="it stands here and differs")
        if standing.scope != new.scope:
            return Decision("conflict", reason=f"it stands in scope {standing.scope!r}")
        return Decision("updated", (PutSession(new),))

    async def _votes(self, votes: Sequence[Vote], *, tries: bool) -> list[Case]:
        cast: set[Vote] = set()
        if tries or not self._ballots:
            for scope, question in {(each.scope, each.question) for each in votes}:
                cast.update(await self._storage.votes(scope, question))
        return [
            Case("votes", f"{each.agent} on {each.question}", self._vote(each, stands=each in cast))
            for each in votes
        ]

    def _vote(self, vote: Vote, *, stands: bool) -> Decision:
        if stands:
            return Decision("skipped")
        if not self._ballots:
            return Decision("conflict", reason=_NO_BALLOTS)
        return Decision("created", (RestoreVote(vote),))
