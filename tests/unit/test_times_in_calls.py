"""What times mean in calls: which end of a period, in which zone, and for how long."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from agent_memory.adapters.sqlite import SqliteStorage
from agent_memory.core.caller import Caller
from agent_memory.core.memory import Memory
from agent_memory.core.periods.period import Zones
from agent_memory.core.requests import Forget, ForgetFilter, Get, Recall, Remember, Update
from agent_memory.core.times import ZONES
from agent_memory_contract.builders import T0, new_id
from agent_memory_contract.manual_clock import ManualClock

from .answers_desk import desk

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

CALLER = Caller(client="test")
DAY = timedelta(days=1)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Bench:
    """At T0, which is the first instant of 2025, in UTC."""

    def __init__(self, memory: Memory, clock: ManualClock) -> None:
        self.memory = memory
        self.clock = clock

    async def told(self, content: str, **fields: Any) -> str:
        made = await self.memory.remember(Remember(content=content, scope="acme", **fields), CALLER)
        return made.results[0].id

    async def found(self, **asked: Any) -> list[str]:
        results = (await self.memory.recall(Recall(scope="acme", **asked), CALLER)).results
        return sorted(found.content for found in results)

    async def entry(self, entry_id: str) -> Any:
        return (await self.memory.get(Get(ids=[entry_id]), CALLER)).entries[0]

    async def would_forget(self, **wanted: Any) -> int:
        asked = Forget(filter=ForgetFilter(scope="acme", **wanted), dry_run=True)
        return (await self.memory.forget(asked, CALLER)).forgotten


@asynccontextmanager
async def bench(path: Path, zones: Zones = ZONES) -> AsyncGenerator[Bench]:
    clock = ManualClock()
    async with SqliteStorage(path / "memory.db", clock=clock, origin="a") as storage:
        yield Bench(Memory(storage, clock, new_id, zones=zones), clock)


async def test_until_a_period_includes_it_and_since_begins_with_it(tmp_path: Path) -> None:
    async with bench(tmp_path) as here:
        for day in ("2024-02-29", "2024-03-01", "2024-03-31T23:59:59", "2024-04-01"):
            await here.told(day, occurred_at=day)
        assert await here.found(since="2024-03") == ["2024-03-01", "2024-03-31T23:59:59", "2024-04-01"]
        assert await here.found(until="March 2024") == ["2024-02-29", "2024-03-01", "2024-03-31T23:59:59"]
        assert await here.found(since="2024-03-01", until="2024-03-01") == ["2024-03-01"]


async def test_before_and_after_a_period_leave_it_alone(tmp_path: Path) -> None:
    """What deletes takes the narrower meaning."""
    async with bench(tmp_path) as here:
        for day in ("2024-02-29", "2024-03-01", "2024-03-31T23:59:59", "2024-04-01"):
            await here.told(day, occurred_at=day)
        assert await here.would_forget(before="2024-03") == 1
        assert await here.would_forget(after="2024-03") == 1
        assert await here.would_forget(after="2024-02", before="2024-04") == 2


async def test_as_of_a_day_is_how_it_ended(tmp_path: Path) -> None:
    async with bench(tmp_path) as here:
        await here.told("an okapi")
        await here.clock.advance(DAY.total_seconds() - 1)
        await here.told("another okapi")
        await here.clock.advance(1)
        await here.told("a third okapi")
        assert await here.found(query="okapi", as_of="yesterday") == ["an okapi", "another okapi"]
        assert await here.found(query="okapi", as_of="today") == [
            "a third okapi",
            "an okapi",
            "another okapi",
        ]
        assert await here.found(query="okapi", as_of="2024") == []


async def test_a_fact_holds_through_the_day_until_which_it_does(tmp_path: Path) -> None:
    async with bench(tmp_path) as here:
        made = await here.told(
            "a freeze", valid_from="2024-12-30", valid_until="today", expires_at="in 2 days"
        )
        kept = await here.entry(made)
        assert (kept.valid_from, kept.valid_until, kept.expires_at) == (T0 - 2 * DAY, T0 + DAY, T0 + 3 * DAY)
        await here.memory.update(Update(id=made, valid_until="tomorrow"), CALLER)
        assert (await here.entry(made)).valid_until == T0 + 2 * DAY


async def test_a_zone_says_when_days_begin(tmp_path: Path) -> None:
    tokyo = Zones(ZoneInfo("Asia/Tokyo"))
    async with bench(tmp_path, tokyo) as here:
        made = await here.told("a holiday", occurred_at="today")
        assert (await here.entry(made)).occurred_at == T0 - timedelta(hours=9)
        assert await here.found(since="today", until="today") == ["a holiday"]
        assert await here.found(until="yesterday") == []
        assert await here.would_forget(before="2025-01-02") == 1


async def test_yesterday_is_another_day_tomorrow(tmp_path: Path) -> None:
    """An answer that is kept is of the time that it was asked for."""
    async with desk(tmp_path) as here:
        await here.told("an okapi", occurred_at="today")
        assert len((await here.recall(since="today")).results) == 1
        assert await here.asked(since="today") == 0
        await here.clock.advance(60)
        assert len((await here.recall(until="yesterday")).results) == 0
        await here.clock.advance(DAY.total_seconds())
        assert len((await here.recall(since="today")).results) == 0
        assert len((await here.recall(until="yesterday")).results) == 1
