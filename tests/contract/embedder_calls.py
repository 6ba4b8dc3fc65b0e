"""Embedder, second part: calls at once, given up, failing; and the loop that must go on turning."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from agent_memory.ports.errors import Unavailable

from .embedder_vectors import TEXTS, EmbedderVectors, assert_same, numbered
from .suite import TURNS, cancelled, level, needs, running, soon, turns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from typing import Any

    from agent_memory.ports.embedder import Embedder, Kind

    from .embedder_vectors import EmbedderHarness

KINDS: tuple[Kind, ...] = ("document", "query")
HARMLESS = 0.02
"""Seconds that the loop may stand still."""
MOST = 0.5
TELLING = 0.3
"""Seconds of work, beside which a turn of another thread is short."""
LARGEST = 4**8
TRIES = 4


class EmbedderCalls(EmbedderVectors):
    @level("concurrent")
    async def test_emb_21_callers_at_once_get_their_own(self, harness: EmbedderHarness) -> None:
        """Queries and documents, long calls and short ones, while the model is still loading."""
        async with harness.open() as embedder:
            calls = [
                embedder.embed([TEXTS[number % 5]], kind="query" if number % 2 else "document")
                for number in range(40)
            ]
            many = asyncio.create_task(embedder.embed(numbered(40), kind="document"))
            found = await soon(asyncio.gather(*calls))
            for first, kind in enumerate(KINDS):
                alone = await embedder.embed(TEXTS, kind=kind)
                for number in range(first, 40, 2):
                    assert_same(found[number], [alone[number % 5]])
            assert_same(await soon(many), await embedder.embed(numbered(40), kind="document"))

    @level("faulty")
    async def test_emb_22_a_cancelled_call_leaves_no_trace(self, harness: EmbedderHarness) -> None:
        """Whenever it is cancelled, it ends, and those beside it and after it get their vectors."""
        async with harness.open() as embedder:
            expected = await embedder.embed(TEXTS, kind="document")
            for after in TURNS:
                call = asyncio.create_task(embedder.embed(numbered(40), kind="document"))
                beside = asyncio.create_task(embedder.embed(TEXTS, kind="document"))
                await turns(after)
                await cancelled(call)
                assert_same(await soon(beside), expected)
            assert_same(await soon(embedder.embed(TEXTS, kind="document")), expected)

    @level("faulty")
    async def test_emb_23_cancelling_the_first_call_spoils_no_other(self, harness: EmbedderHarness) -> None:
        """What it had begun to load serves the others."""
        for after in (0, 1, 5, 50):
            async with harness.open() as embedder:
                first = asyncio.create_task(embedder.embed(TEXTS, kind="document"))
                second = asyncio.create_task(embedder.embed(TEXTS, kind="document"))
                await turns(after)
                await cancelled(first)
                [found] = await soon(asyncio.gather(second, return_exceptions=True))
                assert isinstance(found, list), found
                assert len(found) == len(TEXTS)

    async def test_emb_24_prepare_makes_ready(self, harness: EmbedderHarness) -> None:
        """And stays so; preparing again is no harm."""
        async with harness.open() as embedder:
            await soon(embedder.prepare())
            assert embedder.ready
            await soon(embedder.prepare())
            await embedder.embed(TEXTS, kind="query")
            assert embedder.ready

    @level("concurrent")
    async def test_emb_25_the_loop_turns_while_it_works(self, harness: EmbedderHarness) -> None:
        """While a model loads, while many texts are embedded, and while they are cut."""
        text = " ".join(numbered(5))
        stops: list[tuple[float, float]] = []
        for _ in range(TRIES):
            async with harness.open() as embedder:
                stops.append(await longest_stop(embedder.prepare()))
        assert any(longest < max(HARMLESS, MOST * whole) for longest, whole in stops), stops
        async with harness.open() as embedder:
            await embedder.prepare()
            assert await goes_on(lambda size: longest_stop(embedder.embed([text] * size, kind="document")))
            assert await goes_on(lambda size: longest_stop(embedder.split([text * 10] * size)))

    @level("faulty")
    async def test_emb_26_entering_needs_no_backend(self, harness: EmbedderHarness) -> None:
        """A server starts while its embedder is down."""
        needs(harness, "sever")
        await harness.sever()
        async with harness.open() as embedder:
            assert embedder.dimension > 0
            await harness.heal()
            assert len(await soon(embedder.embed(TEXTS, kind="document"))) == len(TEXTS)

    @level("faulty")
    async def test_emb_27_a_failing_backend_is_unavailable(self, harness: EmbedderHarness) -> None:
        """For documents and queries, and never with fewer vectors or others."""
        needs(harness, "sever")
        async with harness.open() as embedder:
            await embedder.embed(TEXTS, kind="document")
            await harness.sever()
            for kind in KINDS:
                with pytest.raises(Unavailable):
                    await soon(embedder.embed(TEXTS, kind=kind))

    @level("faulty")
    async def test_emb_28_after_a_failure_the_next_call_tries_again(self, harness: EmbedderHarness) -> None:
        """As soon as the backend is back."""
        needs(harness, "sever")
        async with harness.open() as embedder:
            expected = await embedder.embed(TEXTS, kind="document")
            await harness.sever()
            with pytest.raises(Unavailable):
                await soon(embedder.embed(TEXTS, kind="document"))
            await harness.heal()
            assert_same(await soon(embedder.embed(TEXTS, kind="document")), expected)

    @level("concurrent")
    async def test_emb_29_after_closing_it_refuses(self, harness: EmbedderHarness) -> None:
        """A call that comes late, or waits at that moment, ends: with its vectors, or `Unavailable`."""
        async with harness.open() as embedder:
            await embedder.embed(TEXTS, kind="document")
            waiting = [asyncio.create_task(embedder.embed(numbered(40), kind="document")) for _ in range(5)]
            await turns(2)
        for ended in await soon(asyncio.gather(*waiting, return_exceptions=True)):
            assert isinstance(ended, Unavailable) or (isinstance(ended, list) and len(ended) == 40)
        with pytest.raises(Unavailable):
            await soon(late(embedder))


async def late(embedder: Embedder) -> None:
    await embedder.embed(TEXTS[:1], kind="query")


async def longest_stop(work: Coroutine[Any, Any, object]) -> tuple[float, float]:
    """How many seconds the loop stood still at most while this was done, and how many that took."""
    began = last = time.perf_counter()
    longest = 0.0
    async with running(work) as task:
        while not task.done():
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest = max(longest, now - last)
            last = now
        await task
    return longest, last - began


async def goes_on(try_: Callable[[int], Awaitable[tuple[float, float]]]) -> bool:
    """Whether the loop goes on turning during work that is large enough to tell. The machine's own stops are told from
    the adapter's by trying again.
    """
    size = 1
    longest, whole = await try_(size)
    while whole < TELLING and size < LARGEST:
        size *= 4
        longest, whole = await try_(size)
    for _ in range(TRIES):
        if longest < MOST * whole:
            return True
        longest, whole = await try_(size)
    return False
