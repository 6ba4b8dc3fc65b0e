"""Jobs are leased, done, ended; they fail, are tried again, and die."""

# pyright: reportPrivateUsage=false
# Time that passes while nothing of this process runs, and whether anything sleeps, are told by no port.

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent_memory.core.work.kinds import each
from agent_memory.ports.changes import AddEntry, ReplaceEntry
from agent_memory.ports.errors import Corrupt, Unavailable
from agent_memory_contract.builders import changed, entry
from agent_memory_contract.suite import running

from .bench import Bench, Doing, kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_memory.ports.changes import Change
    from agent_memory.ports.records import JobLease


async def test_what_a_job_did_is_applied_as_it_ends(bench: Bench) -> None:
    new = entry()

    async def add(_: JobLease) -> tuple[Change, ...]:
        return (AddEntry(new),)

    await bench.enqueue("a")
    await bench.runner(kind(each(add))).drain()
    assert await bench.store.get([new.id]) == [new]
    assert await bench.store.pending_jobs() == []
    assert bench.results == ["done"]


async def test_jobs_come_in_batches_and_so_many_batches_at_once(bench: Bench) -> None:
    doing = Doing(waits=True)
    await bench.enqueue(*"abcdefgh")
    async with running(bench.runner(kind(doing, batch=2, concurrency=3)).drain()) as task:
        await bench.until(lambda: doing.running == 3)
        assert [len(batch) for batch in doing.batches] == [2, 2, 2]
        doing.go.set()
        await bench.until(task.done)
    assert sorted(payload for batch in doing.batches for payload in batch) == list("abcdefgh")
    assert doing.most == 3


async def test_a_worker_may_allow_fewer(bench: Bench) -> None:
    doing = Doing()
    await bench.enqueue(*"abc")
    await bench.runner(kind(doing, concurrency=3), most=1).drain()
    assert doing.most == 1


async def test_a_kind_that_hangs_holds_up_no_other(bench: Bench) -> None:
    hanging, quick = Doing(waits=True), Doing()
    await bench.enqueue("a", kind="hanging")
    await bench.enqueue(*"abc", kind="quick")
    async with running(bench.runner(kind(hanging, "hanging"), kind(quick, "quick")).run()):
        await bench.until(lambda: len(quick.batches) == 3)
        assert hanging.running == 1


async def test_a_poisonous_job_in_a_batch_fails_alone(bench: Bench) -> None:
    doing = Doing(poison=["b"])
    await bench.enqueue(*"abc", max_attempts=1)
    await bench.runner(kind(doing, batch=3)).drain()
    assert doing.batches == [["a", "b", "c"], ["a"], ["b"], ["c"]]
    assert bench.results == ["done", "dead", "done"]
    [dead] = await bench.store.dead_jobs()
    assert (dead.payload, dead.last_error) == (b"b", "ValueError: poison")


async def test_a_failed_job_is_tried_again_after_its_back_off_and_dies_at_last(bench: Bench) -> None:
    doing = Doing(poison=["a"])
    await bench.enqueue("a", max_attempts=2)
    runner = bench.runner(kind(doing))
    await runner.drain()
    await runner.drain()
    assert bench.results == ["again"]
    await bench.clock.advance(10.001)
    await runner.drain()
    assert bench.results == ["again", "dead"]


async def test_a_job_that_takes_too_long_has_failed(bench: Bench) -> None:
    doing = Doing(waits=True)
    await bench.enqueue("a")
    async with running(bench.runner(kind(doing, timeout=5, lease=1000)).drain()):
        await bench.until(lambda: doing.running == 1)
        await bench.until(lambda: bool(bench.ended), step=1.0)
    assert bench.ended[0].reason == "TimeoutError: took longer than 5 s"
    assert doing.cancelled == 1


async def test_changes_that_cannot_be_applied_are_a_failure(bench: Bench) -> None:
    async def replace(_: JobLease) -> tuple[Change, ...]:
        return (ReplaceEntry(changed(entry()), 1),)

    await bench.enqueue("a")
    await bench.runner(kind(each(replace))).drain()
    assert bench.results == ["again"]
    assert bench.ended[0].reason.startswith("not_found")


async def test_an_answer_of_the_wrong_length_is_a_failure(bench: Bench) -> None:
    async def forgetful(_: Sequence[JobLease]) -> list[tuple[()]]:
        return []

    await bench.enqueue("a")
    await bench.runner(kind(forgetful)).drain()
    assert bench.results == ["again"]


async def test_a_long_job_keeps_its_lease(bench: Bench) -> None:
    doing = Doing(waits=True)
    await bench.enqueue("a")
    async with running(bench.runner(kind(doing, lease=30, timeout=1e6)).drain()) as task:
        await bench.until(lambda: doing.running == 1)
        for _ in range(20):
            await bench.clock.advance(10)
            # Renewed by a thread, in real time.
            await bench.store.outbox_head()
            await bench.store.apply()
            assert await bench.store.lease_jobs(["k"], owner="x", ttl=30) == []
        doing.go.set()
        await bench.until(task.done)
    assert bench.results == ["done"]


async def test_a_job_whose_lease_went_to_another_is_cancelled_and_ends_nothing(bench: Bench) -> None:
    doing = Doing(waits=True)
    await bench.enqueue("a")
    async with running(bench.runner(kind(doing, lease=30)).drain()) as task:
        await bench.until(lambda: doing.running == 1)
        # As after a long stop of this process: the lease is over, and another has the job.
        bench.clock._elapsed += 31
        [taken] = await bench.store.lease_jobs(["k"], owner="x", ttl=30)
        await bench.until(task.done, step=1.0)
    assert doing.cancelled == 1
    assert bench.results == ["lost"]
    await bench.store.complete_job(taken)


async def test_a_cancelled_runner_leaves_its_jobs_to_their_leases(bench: Bench) -> None:
    doing = Doing(waits=True)
    await bench.enqueue("a")
    async with running(bench.runner(kind(doing, lease=30)).run()) as task:
        await bench.until(lambda: doing.running == 1)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
    assert bench.ended == []
    await bench.clock.advance(31)
    doing.go.set()
    await bench.runner(kind(doing)).drain()
    assert bench.results == ["done"]
    assert bench.ended[0].attempt == 2


async def test_a_runner_that_stops_ends_what_it_is_at_and_takes_nothing_more(bench: Bench) -> None:
    doing = Doing(waits=True)
    await bench.enqueue("a", "b")
    runner = bench.runner(kind(doing))
    async with running(runner.run()) as task:
        await bench.until(lambda: doing.running == 1)
        runner.stop()
        doing.go.set()
        await bench.until(task.done)
    assert doing.batches == [["a"]]
    assert bench.results == ["done"]


async def test_a_job_is_found_by_a_wake_up_at_once_and_else_by_the_poll(bench: Bench) -> None:
    doing = Doing()
    runner = bench.runner(kind(doing), poll=60)

    def dozes() -> bool:
        """Until it polls, and for nothing else; sleeps that were broken off do not count."""
        return [due for due, _, awake in bench.clock._sleepers if not awake.done()] == [60]

    async with running(runner.run()):
        await bench.until(dozes)
        await bench.enqueue("a")
        runner.wake()
        await bench.until(lambda: len(doing.batches) == 1)
        await bench.until(dozes)
        await bench.enqueue("b")
        await bench.clock.advance(59)
        assert len(doing.batches) == 1
        await bench.clock.advance(1)
        await bench.until(lambda: len(doing.batches) == 2)


class Away:
    """A store whose leases cannot be had for a while."""

    def __init__(self, store: object, error: Exception) -> None:
        self._store = store
        self._error = error
        self.asked = 0
        self.back = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def lease_jobs(self, kinds: Sequence[str], *, owner: str, ttl: float, limit: int = 1) -> object:
        self.asked += 1
        if not self.back:
            raise self._error
        return await self._store.lease_jobs(kinds, owner=owner, ttl=ttl, limit=limit)  # type: ignore[attr-defined]


async def test_a_store_that_is_away_is_waited_for_and_told_once(bench: Bench) -> None:
    doing = Doing()
    away = Away(bench.store, Unavailable("gone"))
    await bench.enqueue("a")
    async with running(bench.runner(kind(doing), store=away, poll=1).run()):
        await bench.until(lambda: away.asked >= 4, step=1.0)
        # Less and less often.
        assert bench.clock.monotonic() >= 1 + 2 + 4
        away.back = True
        await bench.until(lambda: bool(bench.ended), step=1.0)
    assert [str(trouble) for trouble in bench.troubles] == ["gone", "None"]


async def test_another_error_of_the_store_ends_the_runner(bench: Bench) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await bench.runner(kind(Doing()), store=Away(bench.store, Corrupt("damaged"))).run()
    assert caught.group_contains(Corrupt)


async def test_draining_a_store_that_is_away_says_so(bench: Bench) -> None:
    with pytest.raises(Unavailable):
        await bench.runner(kind(Doing()), store=Away(bench.store, Unavailable("gone"))).drain()
