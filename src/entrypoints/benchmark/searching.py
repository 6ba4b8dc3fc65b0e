"""What recall costs at growing sizes."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING

from ..library import open_memory
from .calls import calls, results_of, until_indexed
from .figure import Figure, Target
from .timing import median, percentile
from .writing import raw_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .bench import Bench

_TARGETS = {10_000: Target("measured", "<=", 3), 100_000: Target("measured", "<=", 10)}


def recall(bench: Bench) -> Iterator[Figure]:
    sizes = (1_000, 10_000) if bench.quick else (1_000, 10_000, 100_000)
    for entries in sizes:
        yield from _recall_at(bench, entries)


def _recall_at(bench: Bench, entries: int) -> Iterator[Figure]:
    path, raw_path = bench.store_of(entries), bench.raw_store_of(entries)
    ours: list[float] = []
    floor: list[float] = []
    found = 0
    with bench.server(path) as server, bench.raw_child(raw_path) as raw:
        until_indexed(server, bench.corpus)
        for _ in range(bench.scaled(10, 3)):
            questions = [bench.corpus.question() for _ in range(bench.scaled(30, 20))]
            floor += raw.one_by_one(raw_lines("search", [(words, 10) for words in questions])).seconds
            exchange = server.one_by_one(calls("memory_recall", ({"query": words} for words in questions)))
            found += sum(bool(result["results"]) for result in results_of(exchange.answers))
            ours += exchange.seconds
    for share in (0.5, 0.99):
        yield Figure(
            name="recall",
            what=f"recall over stdio at {entries:,}, p{share * 100:.0f}",
            measured=percentile(ours, share) * 1000,
            unit="ms",
            floor=percentile(floor, share) * 1000,
            floor_is="a loop over stdin: FTS5 bm25, the same kind of questions (three words, OR), top 10, no filter",
            target=_TARGETS.get(entries) if share == 0.5 else None,
            note=f"{found} of {len(ours)} questions found something",
        )


def recall_again(bench: Bench) -> Iterator[Figure]:
    yield asyncio.run(_recall_again(bench))


async def _recall_again(bench: Bench) -> Figure:
    count = bench.scaled(5_000, 500)
    question = bench.corpus.question()
    samples: list[float] = []
    async with open_memory(bench.store_of(10_000)) as memory:
        for _ in range(5):
            started = perf_counter()
            for _ in range(count):
                await memory.recall(question)
            samples.append(perf_counter() - started)
        searched = perf_counter()
        for number in range(count // 10):
            await memory.recall(f"{question} {number}")
        searched = perf_counter() - searched
    return Figure(
        name="recall-again",
        what="the same recall again, in process, at 10,000, nothing changed",
        measured=count / median(samples),
        unit="calls/s",
        floor=(count // 10) / searched,
        floor_is="recalls never asked before: searched, not given again",
        target=Target("measured", ">=", 20_000),
    )
