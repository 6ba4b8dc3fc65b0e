"""STORAGE-292, -293, -295: whatever units are applied, cancelled or lost, the store is what a plain model says."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import msgspec
from hypothesis import strategies as st

from agent_memory.ports.changes import AddEntry, CastVote, PutSession, RemoveEntries, ReplaceEntry
from agent_memory.ports.errors import Conflict, NotFound, PortError, Unavailable
from agent_memory.ports.queries import EntryFilter
from agent_memory.ports.records import STATES, State
from agent_memory.ports.scopes import ScopeFilter

from .builders import after, changed, entry, session, vote
from .exploring import explore, schedule
from .storage_ledger import Ledger
from .storage_model import WORDS
from .storage_reads import events, matches
from .suite import Suite, Undeclared, cancelled, level, needs, soon, turns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_memory.ports.changes import Change, Outcome
    from agent_memory.ports.records import Entry, Session
    from agent_memory.ports.storage import Storage

    from .storage_harness import StorageHarness


class New(msgspec.Struct, frozen=True):
    word: str


class Edit(msgspec.Struct, frozen=True):
    which: int
    word: str
    state: State
    stale: bool


class Erase(msgspec.Struct, frozen=True):
    which: int
    purge: bool


class Meet(msgspec.Struct, frozen=True):
    """Begin a session, or end one that has begun."""

    which: int
    ends: bool


class Cast(msgspec.Struct, frozen=True):
    agent: str
    choice: str


Part = New | Edit | Erase | Meet | Cast


class Unit(msgspec.Struct, frozen=True):
    """`turns`: cancelled after so many turns of the event loop; None: left alone."""

    client: int
    parts: tuple[Part, ...]
    turns: int | None


class Look(msgspec.Struct, frozen=True):
    """Compare everything, and the past as of a share of the time gone by."""

    client: int
    share: float


class Restart(msgspec.Struct, frozen=True):
    pass


class Cut(msgspec.Struct, frozen=True):
    """The backend goes away in the midst of a unit, after so many turns."""

    parts: tuple[Part, ...]
    turns: int


Step = Unit | Look | Restart | Cut

_WHICH = st.integers(0, 9)
_WORDS = st.sampled_from(WORDS)
_PART: st.SearchStrategy[Part] = st.one_of(
    st.builds(New, _WORDS),
    st.builds(New, _WORDS),
    st.builds(
        Edit,
        _WHICH,
        _WORDS,
        st.sampled_from(("active", "active", "superseded")),
        st.sampled_from((False, False, True)),
    ),
    st.builds(Erase, _WHICH, st.booleans()),
    st.builds(Meet, st.integers(0, 2), st.booleans()),
    st.builds(Cast, st.sampled_from(("ada", "bob")), st.sampled_from(("yes", "no"))),
)
_PARTS = st.lists(_PART, min_size=1, max_size=3).map(tuple)
_CLIENTS = st.integers(0, 1)
_UNIT: st.SearchStrategy[Step] = st.builds(Unit, _CLIENTS, _PARTS, st.none())
_CANCELLED: st.SearchStrategy[Step] = st.builds(
    Unit, _CLIENTS, _PARTS, st.sampled_from((0, 1, 2, 4, 8, 20, 100))
)
_LOOK: st.SearchStrategy[Step] = st.builds(Look, _CLIENTS, st.floats(0, 1))
_CUT: st.SearchStrategy[Step] = st.builds(Cut, _PARTS, st.sampled_from((0, 1, 3, 10, 60)))


class Play:
    """One schedule in a scope of its own. Where it is in doubt whether a unit was kept, both models go on until an
    answer fits only one of them.
    """

    def __init__(self, harness: StorageHarness, number: int) -> None:
        self._harness = harness
        self._scope = f"explored/e{number}"
        self._question = f"question {number}?"
        self._models = [Ledger()]
        self._entries: list[Entry] = []
        self._sessions: list[Session] = []
        self._clock = 0
        self._since = 0
        self._stores: list[Storage] = []
        self._stack = AsyncExitStack()

    async def run(self, steps: Sequence[Step]) -> None:
        async with self._stack:
            await self._open()
            self._since = await self._stores[0].outbox_head()
            for step in steps:
                match step:
                    case Unit():
                        await self._unit(self._stores[step.client % len(self._stores)], step)
                    case Look():
                        await self._look(self._stores[step.client % len(self._stores)], step.share)
                    case Restart():
                        await self._stack.aclose()
                        await self._open()
                    case Cut():
                        await self._cut(step)
            await self._look(self._stores[-1], 0.5)

    async def _open(self) -> None:
        self._stores = [await self._stack.enter_async_context(self._harness.open())]
        if self._harness.capabilities.second_client:
            self._stores.append(await self._stack.enter_async_context(self._harness.second_client()))

    def _changes(self, parts: tuple[Part, ...]) -> tuple[Change, ...]:
        changes = [self._change(part) for part in parts]
        return tuple(change for change in changes if change is not None)

    def _change(self, part: Part) -> Change | None:
        self._clock += 1
        at = after(self._clock)
        match part:
            case New():
                self._entries.append(entry(part.word, scope=self._scope, at=at))
                return AddEntry(self._entries[-1])
            case Edit() if self._entries:
                known = self._entries[part.which % len(self._entries)]
                current = self._models[0].current(known.id) or known
                following = changed(current, at=at, content=part.word, state=part.state)
                version = current.version - part.stale
                return ReplaceEntry(msgspec.structs.replace(following, version=version + 1), version)
            case Erase() if self._entries:
                known = self._entries[part.which % len(self._entries)]
                return RemoveEntries((known.id,), at=at, purge=part.purge)
            case Meet():
                if not part.ends or part.which >= len(self._sessions):
                    self._sessions.append(session(self._scope, began=self._clock))
                    return PutSession(self._sessions[-1])
                return PutSession(msgspec.structs.replace(self._sessions[part.which], ended_at=at))
            case Cast():
                cast = vote(
                    part.agent, part.choice, question=self._question, scope=self._scope, seconds=self._clock
                )
                return CastVote(cast)
            case _:
                return None

    def _foretold(
        self, changes: tuple[Change, ...]
    ) -> list[tuple[Ledger, tuple[Outcome, ...] | type[PortError], Ledger]]:
        """For each model as it is: what the store must answer, and the model as it then is."""
        found: list[tuple[Ledger, tuple[Outcome, ...] | type[PortError], Ledger]] = []
        for model in self._models:
            trial = Ledger(model)
            try:
                found.append((model, tuple([trial.apply(change) for change in changes]), trial))
            except PortError as refusal:
                found.append((model, type(refusal), model))
        return found

    async def _unit(self, store: Storage, step: Unit) -> None:
        changes = self._changes(step.parts)
        if not changes:
            return
        if step.turns is None:
            self._fits(changes, await answer_of(store, changes))
            return
        task = asyncio.create_task(answer_of(store, changes))
        await turns(step.turns)
        answer = await cancelled(task)
        if answer is not None:
            self._fits(changes, answer)
            return
        self._doubt(changes)
        # What was on its way is through, or never was, once another unit is.
        await soon(store.apply(*self._changes((Cast("all", "through"),))))
        for model in self._models:
            model.apply(
                CastVote(
                    vote("all", "through", question=self._question, scope=self._scope, seconds=self._clock)
                )
            )

    def _fits(self, changes: tuple[Change, ...], answer: tuple[Outcome, ...] | type[PortError]) -> None:
        foretold = self._foretold(changes)
        fitting = [then for _, expected, then in foretold if expected == answer]
        assert fitting, f"{changes} answered {answer}, must be {foretold[0][1]}"
        self._models = fitting

    def _doubt(self, changes: tuple[Change, ...]) -> None:
        """Done, whole, or not."""
        self._models = [
            each
            for before, _, then in self._foretold(changes)
            for each in ([before] if then is before else [before, then])
        ]

    async def _cut(self, step: Cut) -> None:
        changes = self._changes(step.parts)
        if not changes:
            return
        task = asyncio.create_task(answer_of(self._stores[0], changes))
        await turns(step.turns)
        await self._harness.sever()
        await asyncio.wait([task])
        await self._harness.heal()
        answer = task.result()
        if answer is Unavailable:
            self._doubt(changes)
        else:
            self._fits(changes, answer)
        for store in self._stores:
            while await answer_of(store, ()) is Unavailable:
                await self._harness.advance(1.0)

    async def _look(self, store: Storage, share: float) -> None:
        where = ScopeFilter(scope=self._scope, inherit=False)
        found = await matches(store, EntryFilter(where=where, states=STATES))
        told = [each.kind for each in await events(store, self._since) if each.scope == self._scope]
        sessions = await store.sessions(where, limit=1_000)
        votes = await store.votes(self._scope, self._question)
        fitting = [
            model
            for model in self._models
            if (found, votes) == (model.everything(), model.votes)
            and sorted(sessions, key=lambda s: s.id) == sorted(model.sessions.values(), key=lambda s: s.id)
            and told == [kind for kind, _ in model.events]
        ]
        model = self._models[0]
        assert fitting, (
            f"entries {[(e.id[-4:], e.version, e.state) for e in found]}, "
            f"must be {[(e.id[-4:], e.version, e.state) for e in model.everything()]}; "
            f"events {told}, must be {[kind for kind, _ in model.events]}; "
            f"{len(sessions)} sessions of {len(model.sessions)}, {len(votes)} votes of {len(model.votes)}"
        )
        self._models = fitting[:1]
        for known in self._entries:
            assert await store.history(known.id) == fitting[0].history(known.id)
        instant = after(share * self._clock)
        assert await matches(store, EntryFilter(where=where, as_of=instant)) == fitting[0].as_of(instant)


async def answer_of(store: Storage, changes: tuple[Change, ...]) -> tuple[Outcome, ...] | type[PortError]:
    """The outcomes, or the kind of error that refused them."""
    try:
        return (await store.apply(*changes)).outcomes
    except (Conflict, NotFound, Unavailable) as refusal:
        return type(refusal)


class StorageExplored(Suite):
    @level("plain")
    async def test_storage_295_any_units_leave_what_a_model_says(
        self, harness: StorageHarness, seed: int
    ) -> None:
        """Entries, sessions, votes, events, every revision and the past as of any instant, also after restarts."""
        kinds: list[st.SearchStrategy[Step]] = [_UNIT, _UNIT, _UNIT, _LOOK]
        kinds += [st.builds(Restart)] if harness.capabilities.durable else []
        await explore(schedule(*kinds), seed, lambda number, steps: Play(harness, number).run(steps))

    @level("concurrent")
    async def test_storage_292_a_cancelled_unit_is_whole_or_nothing(
        self, harness: StorageHarness, seed: int
    ) -> None:
        """At whatever moment, by either client: all of its changes or none, and what follows goes by that."""
        async with harness.open() as store:
            if not store.capabilities.settles:
                raise Undeclared("storage", "settles")
        await explore(
            schedule(_UNIT, _CANCELLED, _CANCELLED, _LOOK),
            seed,
            lambda number, steps: Play(harness, number).run(steps),
        )

    @level("faulty")
    async def test_storage_293_a_unit_cut_off_is_whole_or_nothing(
        self, harness: StorageHarness, seed: int
    ) -> None:
        """The backend went away before it, in its midst or after it: one that was answered is kept."""
        needs(harness, "sever")
        await explore(
            schedule(_UNIT, _CUT, _LOOK), seed, lambda number, steps: Play(harness, number).run(steps)
        )
