"""A store behind a circuit breaker: the real store, and errors thrown in its way."""

from __future__ import annotations

import inspect
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import pytest

from agent_memory.adapters.inprocess.breaker_machine import BreakerMachine
from agent_memory.adapters.inprocess.circuit_breaker import InProcessCircuitBreaker
from agent_memory.adapters.inprocess.clock import SystemClock
from agent_memory.adapters.sqlite import SqliteStorage
from agent_memory.core.guarded_storage import GuardedStorage
from agent_memory.ports.circuit_breaker import Thresholds
from agent_memory.ports.errors import CircuitOpen, Conflict, NotFound, PortError, Rejected, Unavailable
from agent_memory.ports.queries import EntryFilter
from agent_memory.ports.scopes import ScopeFilter
from agent_memory.ports.storage import Storage
from agent_memory_contract.builders import adds, entry
from agent_memory_contract.manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from agent_memory.ports.records import Entry

EVERYTHING = EntryFilter(where=ScopeFilter(descendants=True))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Troubled(SqliteStorage):
    """Its point reads fail as they are told to."""

    trouble: Exception | None = None

    async def get(self, ids: Sequence[str], *, ceiling: str = "global") -> list[Entry]:
        if self.trouble is not None:
            raise self.trouble
        return await super().get(ids, ceiling=ceiling)


class Bench:
    def __init__(self, store: Troubled) -> None:
        self.store = store
        self.clock = ManualClock()
        machine = BreakerMachine("store", Thresholds(failures=3, reset_timeout=10.0, successes=1))
        self.breaker = InProcessCircuitBreaker(clock=self.clock, machine=machine)
        self.commits = 0
        self.storage = GuardedStorage(store, guard=self.breaker.guard, committed=self._committed)

    def _committed(self) -> None:
        self.commits += 1

    async def fail(self, error: Exception, times: int) -> None:
        self.store.trouble = error
        for _ in range(times):
            with pytest.raises(type(error)):
                await self.storage.get(["x"])
        self.store.trouble = None


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    async with Troubled(tmp_path / "memory.db", clock=SystemClock(), origin="here") as store:
        yield Bench(store)


async def test_it_is_the_store_that_it_is_given(bench: Bench) -> None:
    written = entry("tea at four")
    await bench.storage.apply(*adds(written))
    assert [one.id for one in await bench.storage.get([written.id])] == [written.id]
    assert [one.id async for one in bench.storage.scan(EVERYTHING)] == [written.id]
    assert bench.storage.capabilities == bench.store.capabilities
    assert (await bench.storage.health())["connected"]


async def test_while_the_store_does_not_answer_calls_fail_at_once_with_the_time_to_wait(bench: Bench) -> None:
    await bench.fail(Unavailable("gone"), 3)
    with pytest.raises(CircuitOpen) as refused:
        await bench.storage.get(["x"])
    assert refused.value.retry_after == 10.0
    await bench.clock.advance(10.0)
    assert await bench.storage.get(["x"]) == []
    assert (await bench.breaker.status()).state == "closed"


@pytest.mark.parametrize("error", [Conflict("first"), NotFound("no"), Rejected("bad")])
async def test_an_answer_that_says_no_is_an_answer(bench: Bench, error: PortError) -> None:
    await bench.fail(error, 10)
    assert (await bench.breaker.status()).state == "closed"


def _methods() -> list[str]:
    return [
        name
        for name, member in inspect.getmembers(Storage)
        if inspect.iscoroutinefunction(member) and not name.startswith("_") and name != "health"
    ]


@pytest.mark.parametrize("name", _methods())
async def test_every_call_is_refused_before_it_reaches_the_store(name: str) -> None:
    @asynccontextmanager
    async def refuse() -> AsyncGenerator[None]:
        raise CircuitOpen("open", 1.0)
        yield

    storage = GuardedStorage(cast("Storage", object()), guard=refuse)
    wanted = inspect.signature(getattr(GuardedStorage, name)).parameters
    needed: dict[str, Any] = {
        each.name: None
        for each in wanted.values()
        if each.name != "self" and each.default is each.empty and each.kind is not each.VAR_POSITIONAL
    }
    with pytest.raises(CircuitOpen):
        await getattr(storage, name)(**needed)


async def test_a_unit_and_a_scan_are_refused_as_well(bench: Bench) -> None:
    await bench.fail(Unavailable("gone"), 3)
    with pytest.raises(CircuitOpen):
        async with bench.storage.unit():
            pytest.fail("admitted")
    with pytest.raises(CircuitOpen):
        await anext(aiter(bench.storage.scan(EVERYTHING)))


async def test_who_reads_a_scan_slowly_or_not_to_its_end_holds_up_no_probe(bench: Bench) -> None:
    await bench.storage.apply(*adds(entry("one"), entry("two")))
    await bench.fail(Unavailable("gone"), 3)
    await bench.clock.advance(10.0)
    async with aclosing(cast("AsyncGenerator[Entry]", bench.storage.scan(EVERYTHING))) as entries:
        await anext(entries)
        assert await bench.storage.get(["x"]) == []


async def test_each_commit_with_an_event_is_told_once(bench: Bench) -> None:
    written = entry("tea at four")
    await bench.storage.apply(*adds(written))
    assert bench.commits == 1
    await bench.storage.get([written.id])
    async with bench.storage.unit() as unit:
        await unit.apply(*adds(entry("coffee at ten")))
        assert bench.commits == 1
    assert bench.commits == 2
    await bench.storage.apply(*adds(written))  # known already: nothing is written
    assert bench.commits == 2
