"""What is due by the clock: once, by one process, again and again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent_memory.adapters.inprocess.lock import InProcessLock
from agent_memory.core.work.schedule import LEADER, Progress, Schedule, Scheduler
from agent_memory.ports.errors import Unavailable
from agent_memory_contract.suite import running

from .bench import Bench, bench_at

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from datetime import datetime
    from pathlib import Path

    from agent_memory.ports.lock import Lock

LEASE = 30.0


class Chores:
    """A schedule that notes when it runs; it waits for `go` where it is told to, and fails so many times."""

    def __init__(self, bench: Bench, *, every: float = 100.0, waits: bool = False, fails: int = 0) -> None:
        self._bench = bench
        self.every = every
        self.at: list[float] = []
        self.running = self.most = 0
        self.fails = fails
        self.more = 0
        self.go = asyncio.Event()
        if not waits:
            self.go.set()

    async def __call__(self, _: datetime) -> Progress:
        self.at.append(self._bench.clock.monotonic())
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.go.wait()
        finally:
            self.running -= 1
        if self.fails:
            self.fails -= 1
            raise ValueError("not now")
        self.more -= 1
        return Progress(more=self.more >= 0)

    def schedule(self, name: str = "chores") -> Schedule:
        return Schedule(name=name, every=self.every, run=self, jitter=0.0, timeout=1e6)


@pytest.fixture
async def lock(bench: Bench) -> AsyncGenerator[Lock]:
    async with InProcessLock(clock=bench.clock) as lock:
        yield lock


def scheduler(bench: Bench, lock: Lock, *scheduled: Schedule, owner: str = "one", **fields: Any) -> Scheduler:
    return Scheduler(
        bench.store, lock, scheduled, bench.clock, owner=owner, chance=lambda: 1.0, lease=LEASE,
        on_run=bench.ended.append, on_trouble=bench.troubles.append, **fields,
    )  # fmt: skip


async def turns_until(bench: Bench, one: Scheduler, so: Callable[[], bool]) -> None:
    """Turn by turn, the time between them passing as the scheduler wants it to."""
    for _ in range(100):
        wait = await one.turn()
        if so():
            return
        await bench.clock.advance(wait)
    pytest.fail("a hundred turns were not enough")


async def test_the_first_run_is_at_once_and_the_next_after_its_time(bench: Bench, lock: Lock) -> None:
    chores = Chores(bench)
    one = scheduler(bench, lock, chores.schedule())
    assert await one.turn() == pytest.approx(100)
    assert await one.turn() == pytest.approx(100)
    await bench.clock.advance(100.001)
    await one.turn()
    assert chores.at == pytest.approx([0, 100.001])
    assert await lock.inspect(LEADER) is None


async def test_another_process_knows_when_it_was_done(bench: Bench, lock: Lock) -> None:
    chores = Chores(bench)
    await scheduler(bench, lock, chores.schedule()).turn()
    await scheduler(bench, lock, chores.schedule(), owner="two").turn()
    assert len(chores.at) == 1


async def test_while_one_is_at_it_the_others_are_not(bench: Bench, lock: Lock) -> None:
    chores = Chores(bench, waits=True)
    two = scheduler(bench, lock, chores.schedule(), owner="two")
    async with running(scheduler(bench, lock, chores.schedule()).turn()) as task:
        await bench.until(lambda: chores.running == 1)
        # Not before the leader's lease may be over.
        assert 0 < await two.turn() <= LEASE
        chores.go.set()
        await bench.until(task.done)
    assert chores.most == 1


async def test_a_leader_whose_lease_is_forced_stops_and_what_it_did_is_done_again(
    bench: Bench, lock: Lock
) -> None:
    chores = Chores(bench, waits=True)
    one = scheduler(bench, lock, chores.schedule())
    async with running(one.turn()) as task:
        await bench.until(lambda: chores.running == 1)
        assert one.leading
        await lock.force_release(LEADER, by="ops", reason="test")
        await bench.until(task.done, step=1.0)
    assert chores.running == 0
    assert not one.leading
    chores.go.set()
    two = scheduler(bench, lock, chores.schedule(), owner="two")
    await turns_until(bench, two, lambda: len(chores.at) == 2)
    assert chores.most == 1


async def test_what_fails_is_tried_again_and_never_given_up(bench: Bench, lock: Lock) -> None:
    chores = Chores(bench, fails=8)
    await turns_until(bench, scheduler(bench, lock, chores.schedule()), lambda: "done" in bench.results)
    assert bench.results == ["again"] * 8 + ["done"]
    assert await bench.store.dead_jobs() == []


async def test_one_that_fails_holds_up_no_other(bench: Bench, lock: Lock) -> None:
    bad, good = Chores(bench, fails=99), Chores(bench)
    await scheduler(bench, lock, bad.schedule("bad"), good.schedule("good")).turn()
    assert (len(bad.at), len(good.at)) == (1, 1)


async def test_one_that_has_more_to_do_is_due_at_once(bench: Bench, lock: Lock) -> None:
    chores = Chores(bench)
    chores.more = 2
    await scheduler(bench, lock, chores.schedule()).turn()
    assert chores.at == [0, 0, 0]


async def test_one_that_is_switched_off_is_not_done_and_its_job_goes(bench: Bench, lock: Lock) -> None:
    chores = Chores(bench)
    await scheduler(bench, lock, chores.schedule()).turn()
    chores.every = 0
    await bench.clock.advance(101)
    off = scheduler(bench, lock, chores.schedule())
    await off.turn()
    assert len(chores.at) == 1
    assert await bench.store.pending_jobs() == []
    await off.turn()
    assert await bench.store.pending_jobs() == []


async def test_a_scheduler_that_stops_ends_what_it_is_at(bench: Bench, lock: Lock) -> None:
    chores = Chores(bench, waits=True)
    one = scheduler(bench, lock, chores.schedule())
    async with running(one.run()) as task:
        await bench.until(lambda: chores.running == 1)
        one.stop()
        chores.go.set()
        await bench.until(task.done)
    assert bench.results == ["done"]
    assert await lock.inspect(LEADER) is None


async def test_a_lock_server_that_is_away_is_waited_for_and_told_once(bench: Bench) -> None:
    class Away(InProcessLock):
        tries = 0

        async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Any:
            self.tries += 1
            if self.tries < 4:
                raise Unavailable("gone")
            return await super().acquire(name, owner=owner, ttl=ttl, wait=wait)

    chores = Chores(bench)
    async with Away(clock=bench.clock) as away, running(scheduler(bench, away, chores.schedule()).run()):
        await bench.until(lambda: bool(bench.ended) and len(bench.troubles) == 2, step=1.0)
    assert [str(trouble) for trouble in bench.troubles] == ["gone", "None"]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["one", "two", "three"]), st.sampled_from(["turn", "cut"]), st.floats(0, 90)
        ),
        max_size=12,
    )
)
def test_whoever_comes_and_goes_nothing_runs_twice_at_once_or_too_early(
    steps: list[tuple[str, str, float]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Processes take their turn, some are cut off in the middle of theirs, time passes."""

    async def play(folder: Path) -> None:
        async with bench_at(folder) as bench, InProcessLock(clock=bench.clock) as lock:
            done: list[float] = []
            chores = Chores(bench)
            for owner, what, pause in steps:
                chores.go.clear() if what == "cut" else chores.go.set()
                before = len(bench.ended)
                began = bench.clock.monotonic()
                async with running(scheduler(bench, lock, chores.schedule(), owner=owner).turn()) as task:
                    await bench.until(lambda: task.done() or (what == "cut" and chores.running == 1))  # noqa: B023
                if len(bench.ended) > before:
                    assert not done or began - done[-1] >= chores.every
                    done.append(bench.clock.monotonic())
                await bench.clock.advance(pause)
            assert chores.most <= 1
            await bench.clock.advance(chores.every + LEASE + 1)
            chores.go.set()
            before = len(bench.ended)
            await scheduler(bench, lock, chores.schedule(), owner="last").turn()
            assert bench.results[before:] == ["done"]

    asyncio.run(play(tmp_path_factory.mktemp("play")))
