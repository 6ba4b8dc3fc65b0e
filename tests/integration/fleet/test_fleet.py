"""A fleet at work while Redis is killed and comes back."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from .fleet import AGENTS, SERVERS, Fleet, Refused, Work, fleet_of
from .history import (
    Outage,
    broken_exclusions,
    stale_reads,
    too_many,
    undocumented_errors,
    untrue_looks,
)

if TYPE_CHECKING:
    from collections.abc import Callable

STRETCH = 18.0
"""Seconds of work before, between and after the outages: a minute in all."""
AWAY = 3.0
EVENT_BOUND = 1.0
"""Seconds within which a write is seen through every server, on the busiest machine; the target is 20 ms."""
NOTICE, HEAL = 2.0, 6.0
LIMIT, PERIOD = 600, 5.0


@pytest.mark.timeout(300)
async def test_a_fleet_keeps_its_promises_while_redis_is_killed_twice(
    record_property: Callable[[str, object], None],
) -> None:
    settings = {
        "RATE_LIMIT": "1",
        "RATE_LIMIT_FAIL_MODE": "closed",
        "RATE_LIMIT_GLOBAL_MAX": str(LIMIT),
        "RATE_LIMIT_GLOBAL_WINDOW_MS": str(int(PERIOD * 1000)),
        "RATE_LIMIT_PER_AGENT_MAX": "100000",
        "RATE_LIMIT_BURST_MAX": "100000",
        "CB_RESET_TIMEOUT_MS": "1000",
    }
    async with fleet_of(**settings) as fleet:
        work = Work(fleet, seed=4)
        counts: list[int] = []
        async with asyncio.TaskGroup() as group:
            for number in range(AGENTS):
                group.create_task(work.agent(number))
            for server in range(SERVERS):
                group.create_task(work.watcher(server))
            try:
                await asyncio.sleep(STRETCH)
                await work.quiet()
                await asyncio.sleep(PERIOD)  # so that no call is over the limit
                await fleet.all_at_once()
                for _ in range(2):
                    await work.quiet()
                    counts.append(await fleet.connections())
                    work.going.set()
                    await outage(work, fleet)
                    await asyncio.sleep(STRETCH)
                await work.quiet()
                counts.append(await fleet.connections())
            finally:
                work.stop()
    report(work, fleet, counts, record_property)
    assert undocumented_errors(fleet.calls) == [], fleet.texts
    assert broken_exclusions(work.holds) == []
    assert too_many(fleet.calls, LIMIT, PERIOD) is None
    assert stale_reads(work.writes, work.reads, EVENT_BOUND) == []
    assert untrue_looks(work.looks, work.outages, notice=NOTICE, heal=HEAL) == []
    assert counts[1] <= counts[0]
    assert counts[2] <= counts[0]
    assert len(work.holds) > 100
    assert len(work.writes) > 100
    assert any(call.error == "unavailable" for call in fleet.calls)
    assert any(call.error == "rate_limited" for call in fleet.calls)


async def outage(work: Work, fleet: Fleet) -> None:
    began = monotonic()
    await asyncio.to_thread(fleet.redis.kill)
    killed = monotonic()
    await asyncio.sleep(AWAY)
    back = monotonic()
    await asyncio.to_thread(fleet.redis.start)
    # Certainly away from `killed` to `back`; at the edges nobody can say.
    work.outages.append(Outage(began=killed, ended=back))
    assert back - began >= AWAY


def report(
    work: Work, fleet: Fleet, counts: list[int], record_property: Callable[[str, object], None]
) -> None:
    errors: dict[str, int] = {}
    for call in fleet.calls:
        errors[call.error or "answered"] = errors.get(call.error or "answered", 0) + 1
    for name, value in {
        "calls": errors,
        "holds": len(work.holds),
        "writes": len(work.writes),
        "reads": len(work.reads),
        "looks": len(work.looks),
        "connections": counts,
    }.items():
        record_property(name, value)
        print(name, value)  # noqa: T201 - shown with -s, and with a failure


async def test_a_global_limit_is_exact_to_the_call() -> None:
    limit = 300
    settings = {
        "RATE_LIMIT": "1",
        "RATE_LIMIT_GLOBAL_MAX": str(limit),
        "RATE_LIMIT_GLOBAL_WINDOW_MS": "600000",
        "RATE_LIMIT_PER_AGENT_MAX": "100000",
        "RATE_LIMIT_BURST_MAX": "100000",
    }

    async def ask_until_refused(fleet: Fleet, number: int) -> None:
        while not any(call.error and call.agent == f"agent-{number}" for call in fleet.calls):
            with suppress(Refused):
                await fleet.call(number % SERVERS, f"agent-{number}", "memory_recall", query="anything")

    async with fleet_of(**settings) as fleet:
        async with asyncio.TaskGroup() as group:
            for number in range(AGENTS):
                group.create_task(ask_until_refused(fleet, number))
        assert sum(not call.error for call in fleet.calls) == limit
        assert {call.error for call in fleet.calls} == {"", "rate_limited"}
