"""The Worker port: one piece at a time, in order, beside the loop."""

from __future__ import annotations

import asyncio
import threading

import pytest

from agent_memory.adapters.inprocess.worker import ThreadWorker


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_pieces_are_done_in_order_on_one_thread_that_is_not_the_loops() -> None:
    done: list[tuple[int, int]] = []
    async with ThreadWorker() as worker:
        await asyncio.gather(
            *(worker.run(lambda n=n: done.append((n, threading.get_ident()))) for n in range(50))
        )
    assert [n for n, _ in done] == list(range(50))
    assert len({thread for _, thread in done} | {threading.get_ident()}) == 2


async def test_the_loop_goes_on_meanwhile() -> None:
    go = threading.Event()
    async with ThreadWorker() as worker:
        waiting = asyncio.create_task(worker.run(lambda: go.wait(30)))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not waiting.done()
        go.set()
        assert await waiting


async def test_what_a_piece_raises_is_raised_to_its_caller_and_the_next_is_done() -> None:
    def fail() -> None:
        raise KeyError("x")

    async with ThreadWorker() as worker:
        with pytest.raises(KeyError):
            await worker.run(fail)
        assert await worker.run(lambda: 1) == 1


async def test_a_caller_who_is_cancelled_stops_nobody() -> None:
    go = threading.Event()
    async with ThreadWorker() as worker:
        first = asyncio.create_task(worker.run(lambda: go.wait(30)))
        second = asyncio.create_task(worker.run(lambda: 2))
        await asyncio.sleep(0)
        first.cancel()
        go.set()
        assert await second == 2


async def test_leaving_waits_for_the_piece_under_way() -> None:
    began, done = threading.Event(), threading.Event()

    def piece() -> None:
        began.set()
        threading.Event().wait(0.05)
        done.set()

    async with ThreadWorker() as worker:
        under_way = asyncio.create_task(worker.run(piece))
        await asyncio.to_thread(began.wait, 30)
    assert done.is_set()
    await under_way
