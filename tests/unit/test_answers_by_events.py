"""Kept answers over a store without marks: events say what changed, and where they may not come nothing is believed."""

# pyright: reportPrivateUsage=false
# That memory stays bounded shows nowhere else.

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.inprocess.event_bus import EventHub, InProcessEventBus
from agent_memory.adapters.sqlite import SqliteStorage
from agent_memory.core.freshness import Freshness
from agent_memory.core.relay import relay
from agent_memory.ports.changes import AddRelation
from agent_memory.ports.event_queue import EventQueue
from agent_memory.ports.scopes import ScopeFilter
from agent_memory_contract.builders import adds, entry, relation
from agent_memory_contract.manual_clock import ManualClock

from .saboteurs.storage_wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine
    from datetime import datetime
    from pathlib import Path
    from typing import Any

    from agent_memory.ports.queries import Outlook

WEB = ScopeFilter(scope="acme/web")
TREE = ScopeFilter(scope="acme", descendants=True, inherit=False)
OTHER = ScopeFilter(scope="other")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Unmarked(Wrapper):
    """A store that cannot tell by itself, as one behind a network."""

    outlooks = 0
    meanwhile: Callable[[], Coroutine[Any, Any, object]] | None = None

    def mark(self) -> int | None:
        return None

    async def outlook(self, where: ScopeFilter, *, now: datetime) -> Outlook:
        self.outlooks += 1
        told = await self.inner.outlook(where, now=now)
        if self.meanwhile is not None:
            work, self.meanwhile = self.meanwhile, None
            await work()
        return told


class Post:
    def __init__(self, storage: SqliteStorage, capacity: int = 1024) -> None:
        self.clock = ManualClock()
        self.store = Unmarked(storage)
        self.reachable = True
        self.queue = EventQueue(capacity, reachable=lambda: self.reachable)
        hub = EventHub()
        hub.queues[self.queue] = None
        self.bus = InProcessEventBus(hub=hub)
        self.fresh = Freshness(self.store, self.clock, events=self.queue, ttl=600)
        self.told = 0

    async def look(self, where: ScopeFilter = WEB) -> Outlook:
        return await self.fresh.outlook(where, self.clock.now())

    async def asks(self, where: ScopeFilter = WEB) -> int:
        """How often a look asks the store; it is right whenever it does."""
        before = self.store.outlooks
        outlook = await self.look(where)
        if self.store.outlooks > before:
            assert outlook.generation == await self.store.generation(where)
        return self.store.outlooks - before

    async def write(self, scope: str = "acme/web") -> None:
        """As another process does."""
        await self.store.apply(*adds(entry(scope=scope)))

    async def deliver(self) -> None:
        self.told = await relay(self.store, self.bus, self.told)


@asynccontextmanager
async def post(path: Path, **options: int) -> AsyncGenerator[Post]:
    async with SqliteStorage(path / "memory.db", clock=ManualClock(), origin="a") as storage:
        yield Post(storage, **options)


async def test_without_events_the_store_is_not_asked_again(tmp_path: Path) -> None:
    async with post(tmp_path) as here:
        assert [await here.asks() for _ in range(4)] == [1, 0, 0, 0]


async def test_an_event_of_a_visible_scope_asks_again(tmp_path: Path) -> None:
    async with post(tmp_path) as here:
        for scope in ("acme/web", "acme", "global"):
            await here.asks()
            await here.write(scope)
            await here.deliver()
            assert [await here.asks(), await here.asks()] == [1, 0]


async def test_an_event_of_an_unseen_scope_does_not(tmp_path: Path) -> None:
    async with post(tmp_path) as here:
        await here.asks(WEB)
        await here.asks(TREE)
        for scope in ("other", "acme/api", "acme/web/s1"):
            await here.write(scope)
        await here.deliver()
        assert await here.asks(WEB) == 0
        assert await here.asks(TREE) == 1
        assert await here.asks(OTHER) == 1


async def test_an_event_counts_without_a_turn_of_the_loop(tmp_path: Path) -> None:
    """It is heard by whoever asks next, not by a task that has yet to run."""
    async with post(tmp_path) as here:
        before = here.fresh.moment(WEB)
        await here.write()
        (event,) = await here.store.outbox(0)
        assert here.fresh.moment(WEB) == before
        here.queue.offer(event)
        assert here.fresh.moment(WEB) != before


async def test_what_came_while_the_store_was_asked_counts(tmp_path: Path) -> None:
    """The answer may be of before it."""
    async with post(tmp_path) as here:

        async def another_writes() -> None:
            await here.write()
            await here.deliver()

        here.store.meanwhile = another_writes
        old = await here.look()
        assert old.generation != await here.store.generation(WEB)
        assert await here.asks() == 1


async def test_an_own_write_counts_before_its_event_comes(tmp_path: Path) -> None:
    async with post(tmp_path) as here:
        await here.asks()
        await here.write()
        here.fresh.wrote()
        assert [await here.asks(), await here.asks()] == [1, 0]


async def test_a_gap_asks_again_whatever_was_seen(tmp_path: Path) -> None:
    async with post(tmp_path) as here:
        for where in (WEB, TREE, OTHER):
            await here.asks(where)
        here.queue.lose("the connection was renewed")
        for where in (WEB, TREE, OTHER):
            assert [await here.asks(where), await here.asks(where)] == [1, 0]


async def test_an_overflow_is_a_gap(tmp_path: Path) -> None:
    async with post(tmp_path, capacity=2) as here:
        await here.asks(OTHER)
        for _ in range(5):
            await here.write()
        await here.deliver()
        assert await here.asks(OTHER) == 1


async def test_while_no_events_may_be_coming_nothing_is_believed(tmp_path: Path) -> None:
    async with post(tmp_path) as here:
        await here.asks()
        here.reachable = False
        for _ in range(3):
            assert here.fresh.moment(WEB) is None
            await here.write()
            assert await here.asks() == 1
        here.queue.lose("the connection was renewed")
        here.reachable = True
        assert [await here.asks(), await here.asks()] == [1, 0]


async def test_what_was_asked_just_before_an_outage_is_not_believed_after_it(tmp_path: Path) -> None:
    async with post(tmp_path) as here:
        await here.asks()
        here.reachable = False
        await here.write()
        here.queue.lose("the connection was renewed")
        here.reachable = True
        assert await here.asks() == 1


async def test_without_a_bus_the_store_is_asked_each_time(tmp_path: Path) -> None:
    async with post(tmp_path) as here:
        here.fresh = Freshness(here.store, here.clock, events=None)
        assert [await here.asks() for _ in range(3)] == [1, 1, 1]
        assert here.fresh.moment(WEB) is None


async def test_nothing_is_remembered_for_longer_than_the_ttl(tmp_path: Path) -> None:
    async with post(tmp_path) as here:
        await here.asks()
        await here.clock.advance(599)
        assert await here.asks() == 0
        await here.clock.advance(1)
        assert await here.asks() == 1


async def test_any_number_of_scopes_and_filters_stay_right_and_bounded(tmp_path: Path) -> None:
    async with post(tmp_path, capacity=10_000) as here:
        many = [ScopeFilter(scope=f"org{n}") for n in range(1_200)]
        for where in many:
            await here.look(where)
        await here.store.apply(*adds(*(entry(scope=where.scope) for where in many)))
        await here.deliver()
        for where in (many[0], many[600], many[-1]):
            assert await here.asks(where) == 1
        assert len(here.fresh._outlooks) <= 1_000
        assert len(here.fresh._visible) <= 1_000
        assert len(here.fresh._trees) <= 1_001


async def test_a_get_of_relations_hears_of_both_ends(tmp_path: Path) -> None:
    """They may stand in different scopes: a get asks for the moment of all that its ceiling holds."""
    whole = ScopeFilter(scope="acme", inherit=False, descendants=True, ceiling="acme")
    one, two = entry(scope="acme/web"), entry(scope="acme/api")
    async with post(tmp_path) as here:
        await here.store.apply(*adds(one, two))
        await here.deliver()
        for edge in (relation(one, two), relation(two, one)):
            before = here.fresh.moment(whole)
            await here.store.apply(AddRelation(edge))
            await here.deliver()
            assert here.fresh.moment(whole) != before
