"""A task of the daemon never dies unseen."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agent_memory.entrypoints.lifecycle import MISCONFIGURED, SOFTWARE, TEMPORARY, exit_code
from agent_memory.entrypoints.logs import Log
from agent_memory.entrypoints.supervision import TaskFailed, supervise
from agent_memory.ports.errors import Misconfigured, Unavailable


class SilentLog(Log):
    def write(self, level: int, event: str, **facts: Any) -> None: ...


LOG = SilentLog("error")


class Crashing:
    def __init__(self, *outcomes: Exception | None) -> None:
        self.runs = 0
        self.outcomes = outcomes
        self.steady = asyncio.Event()

    async def __call__(self) -> None:
        self.runs += 1
        if self.runs <= len(self.outcomes):
            outcome = self.outcomes[self.runs - 1]
            if outcome is not None:
                raise outcome
            return
        self.steady.set()
        await asyncio.Event().wait()


async def test_a_task_that_crashes_is_started_again() -> None:
    run = Crashing(ValueError("x"), ValueError("y"))
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        task = supervise(group, "t", run, log=LOG, first_wait=0.001)
        await run.steady.wait()
        task.cancel()
    assert run.runs == 3


async def test_a_task_that_returns_has_not_done_its_work_and_is_started_again() -> None:
    run = Crashing(None)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        task = supervise(group, "t", run, log=LOG, first_wait=0.001)
        await run.steady.wait()
        task.cancel()
    assert run.runs == 2


@pytest.mark.parametrize("last", [ValueError("x"), None])
async def test_one_crash_too_many_brings_everything_down(last: Exception | None) -> None:
    run = Crashing(*([ValueError("x")] * 3), last)
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            supervise(group, "t", run, log=LOG, restarts=3, first_wait=0.001)
    assert run.runs == 4
    assert caught.group_contains(TaskFailed, match="task t crashed 4 times")
    assert exit_code(caught.value)[0] == SOFTWARE


async def test_crashes_of_long_ago_are_forgiven() -> None:
    run = Crashing(*([ValueError("x")] * 4))
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        task = supervise(group, "t", run, log=LOG, restarts=1, window=0.001, first_wait=0.01)
        await run.steady.wait()
        task.cancel()
    assert run.runs == 5


async def test_an_error_that_no_second_try_can_help_brings_everything_down_at_once() -> None:
    run = Crashing(Misconfigured("wrong"))
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            supervise(group, "t", run, log=LOG, first_wait=0.001)
    assert run.runs == 1
    assert exit_code(caught.value)[0] == MISCONFIGURED


async def test_the_code_says_that_a_later_start_may_work_where_the_last_error_was_such() -> None:
    run = Crashing(*([Unavailable("away")] * 2))
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            supervise(group, "t", run, log=LOG, restarts=1, first_wait=0.001)
    assert exit_code(caught.value)[0] == TEMPORARY


async def test_being_cancelled_is_no_crash() -> None:
    run = Crashing()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        task = supervise(group, "t", run, log=LOG)
        await run.steady.wait()
        task.cancel()
    assert task.cancelled()
    assert run.runs == 1
