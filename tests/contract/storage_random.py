"""STORAGE-260 to STORAGE-262: after many random changes the store is what a plain model says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.ports.errors import PortError

from .storage_model import WORDS, Model, Monkey
from .storage_reads import ALL_SCOPES, WHATEVER, events, matches, search, state_of
from .suite import Suite

if TYPE_CHECKING:
    from agent_memory.ports.changes import Change
    from agent_memory.ports.storage import Storage

    from .storage_harness import StorageHarness

STEPS = 250


async def step(store: Storage, model: Model, changes: tuple[Change, ...]) -> Model:
    """Apply to both, compare the answers, and give the model as it then is."""
    trial = Model(model)
    try:
        expected = tuple(trial.apply(change) for change in changes)
    except PortError as refusal:
        before = await state_of(store)
        with pytest.raises(type(refusal)):
            await store.apply(*changes)
        assert await state_of(store) == before
        return model
    assert (await store.apply(*changes)).outcomes == expected, changes
    return trial


async def wander(store: Storage, seed: int) -> Model:
    model, monkey = Model(), Monkey(seed)
    for _ in range(STEPS):
        model = await step(store, model, monkey.changes(model))
    assert len(model.past) > 20
    return model


class StorageRandom(Suite):
    async def test_storage_260_entries_and_history_are_as_modelled(
        self, harness: StorageHarness, seed: int
    ) -> None:
        """Each answer on the way, every entry and every revision at the end, and the store's own check."""
        async with harness.open() as store:
            model = await wander(store, 1 + seed)
            by_time = sorted((past[-1] for past in model.past.values()), key=lambda e: (e.at, e.id))
            assert await matches(store, WHATEVER) == by_time
            for entry_id in model.past:
                assert await store.history(entry_id) == model.history(entry_id)
            assert await store.verify() == []

    async def test_storage_261_indexes_are_as_modelled(self, harness: StorageHarness, seed: int) -> None:
        """Words and tags find exactly the active entries that now have them."""
        async with harness.open() as store:
            model = await wander(store, 2 + seed)
            active = model.active()
            for word in WORDS:
                found = {e.id for e in active if word in e.content or word in e.tags}
                assert set(await search(store, word, limit=1000)) == found
            used = [(word, sum(word in e.tags for e in active)) for word in WORDS]
            assert dict(await store.tags(ALL_SCOPES)) == {word: count for word, count in used if count}
            assert await store.verify() == []

    async def test_storage_262_relations_and_events_are_as_modelled(
        self, harness: StorageHarness, seed: int
    ) -> None:
        """Every visible relation; every event in order."""
        async with harness.open() as store:
            model = await wander(store, 3 + seed)
            visible = {(r.source, r.target, r.type) for r in model.visible_relations()}
            stored = await store.relations(list(model.past), limit=10_000)
            assert {(r.source, r.target, r.type) for r in stored} == visible
            told = [event for event in await events(store) if event.kind.startswith("entry.")]
            expected = [event for event in model.events if event[0].startswith("entry.")]
            assert [(event.kind, event.subject) for event in told] == expected
            assert await store.verify() == []
