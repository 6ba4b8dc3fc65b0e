"""Two memories on one file keep their answers: whatever happened, each says what a third one says that keeps none."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent_memory.adapters.inprocess.cache import InProcessCache
from agent_memory.adapters.sqlite import SqliteStorage
from agent_memory.core.answers import Answers
from agent_memory.core.caller import Caller
from agent_memory.core.freshness import Freshness
from agent_memory.core.memory import Memory
from agent_memory.core.requests import Forget, Get, Link, Recall, Remember, Update
from agent_memory.core.upkeep import expire_kind
from agent_memory.core.work.runner import JobRunner
from agent_memory.ports.errors import PortError
from agent_memory_contract.builders import new_id
from agent_memory_contract.manual_clock import ManualClock

if TYPE_CHECKING:
    from agent_memory.core.results import GetResult, RecallResult

SCOPES = ("global", "acme", "acme/web", "acme/web/s1", "other")
WORDS = ("okapi", "zebra", "kudu")
SECONDS = st.sampled_from((-3, 1, 2, 5, 8))
OPEN = Caller(client="test")
BOUND = Caller(client="test", ceiling="acme/web")
QUESTIONS = tuple(
    Recall(query=query, scope=scope, descendants=descendants, limit=limit, as_of=as_of)
    for query, scope, descendants, limit, as_of in (
        ("okapi", "acme/web", False, 10, None),
        ("okapi zebra", "acme", True, 10, None),
        ("", "acme/web/s1", False, 3, None),
        ("kudu", None, True, 2, None),
        ("", "acme", True, 10, "2025-01-01T00:00:06Z"),
        ("zebra", "other", False, 10, None),
    )
)


class Write(msgspec.Struct, frozen=True):
    kind: str
    by: int
    scope: str
    words: tuple[str, ...]
    which: int
    other: int
    times: dict[str, int]
    flag: bool


class Wait(msgspec.Struct, frozen=True):
    seconds: float


WRITES = st.builds(
    Write,
    kind=st.sampled_from(
        ("remember", "remember", "remember", "update", "forget", "link", "unlink", "expire")
    ),
    by=st.integers(0, 1),
    scope=st.sampled_from(SCOPES),
    words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=2).map(tuple),
    which=st.integers(0, 30),
    other=st.integers(0, 30),
    times=st.dictionaries(st.sampled_from(("valid_from", "valid_until", "expires_at")), SECONDS, max_size=2),
    flag=st.booleans(),
)
WAITS = st.builds(Wait, st.sampled_from((0.000001, 0.999999, 1.0, 2.0, 5.0, 301.0)))
ROUNDS = st.lists(st.one_of(st.lists(WRITES, min_size=1, max_size=3), WAITS), min_size=10, max_size=14)
"""The writes of a round, and recalls and gets, run side by side; what all then say is compared."""


class House:
    def __init__(self, stores: list[SqliteStorage], clock: ManualClock) -> None:
        self.clock = clock
        self.stores = stores
        self.ids: list[str] = []
        self.unique = itertools.count()
        self.plain = Memory(stores[0], clock, new_id)
        self.keeping: list[Memory] = []
        self.caches = [InProcessCache(clock=clock) for _ in stores]
        for number, (store, own) in enumerate(zip(stores, self.caches, strict=True)):
            answers = Answers(
                Freshness(store, clock),
                shared=self.caches[0],
                own=own,
                ttl=300.0,
                schema="1",
                process=str(number),
                exact=True,
            )
            self.keeping.append(Memory(store, clock, new_id, answers=answers))

    async def write(self, wanted: Write) -> None:
        memory = self.keeping[wanted.by]
        times: dict[str, Any] = {
            name: (self.clock.now() + timedelta(seconds=s)).isoformat() for name, s in wanted.times.items()
        }
        one, two = (self.ids[n % len(self.ids)] if self.ids else "" for n in (wanted.which, wanted.other))
        content = f"{' '.join(wanted.words)} {next(self.unique)}"
        try:
            match wanted.kind:
                case "remember":
                    new = Remember(content=content, scope=wanted.scope, **times)
                    self.ids += [r.id for r in (await memory.remember(new, OPEN)).results]
                case "update":
                    times.pop("valid_from", None)
                    state = "archived" if wanted.flag else "active"
                    await memory.update(Update(id=one, content=content, state=state, **times), OPEN)
                case "forget":
                    await memory.forget(Forget(ids=[one], purge=wanted.flag), OPEN)
                case "expire":
                    store = self.stores[wanted.by]
                    kinds = [expire_kind(store, self.clock)]
                    await JobRunner(
                        store, kinds, self.clock, owner=str(wanted.by), chance=lambda: 0.5
                    ).drain()
                case _:
                    await memory.link(Link(action=wanted.kind, source=one, target=two), OPEN)  # type: ignore[arg-type] - link or unlink
        except PortError:
            pass  # an update of what is gone, a time that has passed: nothing was written

    async def ask(self, memory: Memory) -> list[RecallResult | GetResult]:
        said: list[RecallResult | GetResult] = [await memory.recall(one, OPEN) for one in QUESTIONS]
        said.append(await memory.recall(Recall(query="okapi"), BOUND))
        for some in (self.ids[:3], self.ids[-2:]):
            for caller in (OPEN, BOUND) if some else ():
                found = await memory.get(Get(ids=some, history=True, relations=True), caller)
                said.append(found)
        return said

    async def compare(self) -> None:
        expected = await self.ask(self.plain)
        for memory in self.keeping:
            for _ in range(3):
                assert await self.ask(memory) == expected


async def live(rounds: list[list[Write] | Wait]) -> int:
    """How often an answer was given again."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        clock = ManualClock()
        stores = [
            await stack.enter_async_context(SqliteStorage(folder / "memory.db", clock=clock, origin=name))
            for name in "ab"
        ]
        for store in stores:
            while store.mark() is None:
                await store.outbox_head()
        house = House(stores, clock)
        await house.compare()
        for some in rounds:
            if isinstance(some, Wait):
                await clock.advance(some.seconds)
            else:
                work: list[Any] = [house.write(one) for one in some]
                await asyncio.gather(*work, *(house.ask(memory) for memory in house.keeping))
            await house.compare()
        return sum(cache.stats().hits for cache in house.caches)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rounds=ROUNDS)
def test_what_is_kept_is_what_the_store_says(rounds: list[list[Write] | Wait]) -> None:
    assert asyncio.run(live(rounds)) > 10
