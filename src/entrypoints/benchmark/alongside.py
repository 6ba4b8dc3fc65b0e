"""Recall in this process while others write, and how long the event loop waits meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from ..library import open_memory
from .figure import Figure, Target
from .timing import percentile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..library import OpenMemory
    from .bench import Bench

_TARGETS = {10_000: Target("measured", "<=", 3), 100_000: Target("measured", "<=", 10)}
_BLOCK = Target("measured", "<=", 20)
_WRITES_A_SECOND = 100
_TICK = 0.001


def recall_alongside(bench: Bench) -> Iterator[Figure]:
    sizes = (10_000,) if bench.quick else (10_000, 100_000)
    for entries in sizes:
        yield from asyncio.run(_recall_at(bench, bench.store_of(entries), entries))


async def _recall_at(bench: Bench, path: Path, entries: int) -> list[Figure]:
    count = bench.scaled(1_000, 100)
    async with open_memory(path) as memory:
        started = perf_counter()
        while (await memory.recall_with(query=bench.corpus.question())).degraded:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.05)
        ready = perf_counter() - started
        quiet = await _recalls(bench, memory, count)
        blocks, held = [0.0], [0.0]
        beside = [asyncio.create_task(_look(blocks, held)), asyncio.create_task(_write(bench, memory))]
        busy = await _recalls(bench, memory, count)
        for task in beside:
            task.cancel()
        await asyncio.wait(beside)
    what = f"recall in process at {entries:,}"
    return [
        Figure(name="recall-alongside", what=f"{what}: until it answers from the index", measured=ready * 1000,
               unit="ms", note="read from the store, or from the file beside it"),
        Figure(name="recall-alongside", what=f"{what}, p50", measured=percentile(quiet, 0.5) * 1000, unit="ms",
               target=_TARGETS[entries]),
        Figure(name="recall-alongside", what=f"{what}, {_WRITES_A_SECOND} writes a second, p50",
               measured=percentile(busy, 0.5) * 1000, unit="ms"),
        Figure(name="recall-alongside", what=f"{what}, {_WRITES_A_SECOND} writes a second, p99",
               measured=percentile(busy, 0.99) * 1000, unit="ms", floor=percentile(busy, 0.5) * 1000,
               floor_is="p50 of the same calls", target=Target("ratio", "<=", 4)),
        Figure(name="recall-alongside", what=f"{what}: longest wait of the event loop", measured=max(held) * 1000,
               unit="ms", target=_BLOCK, note="without what its thread waited for a processor"),
        Figure(name="recall-alongside", what=f"{what}: the same with that", measured=max(blocks) * 1000, unit="ms"),
    ]  # fmt: skip


async def _recalls(bench: Bench, memory: OpenMemory, count: int) -> list[float]:
    seconds: list[float] = []
    for _ in range(count):
        question = bench.corpus.question()
        started = perf_counter()
        await memory.recall(question)
        seconds.append(perf_counter() - started)
    return seconds


async def _write(bench: Bench, memory: OpenMemory) -> None:
    for text in bench.corpus.texts():
        await memory.remember(text)
        await asyncio.sleep(1 / _WRITES_A_SECOND)


async def _look(late: list[float], held: list[float]) -> None:
    """How much later than it was due each turn of the loop came, every millisecond. `held`: less the time in which its
    thread could have run and the system let others run: the fewer cores and the more programs, the longer, whatever we
    do.
    """
    loop = asyncio.get_running_loop()
    waited = _waited_for_processor()
    while True:
        due = loop.time() + _TICK
        await asyncio.sleep(_TICK)
        late.append(loop.time() - due)
        before, waited = waited, _waited_for_processor()
        held.append(max(0.0, late[-1] - (waited - before)))


def _waited_for_processor() -> float:
    """Seconds of this thread, so far; 0 where the system does not tell (any but Linux)."""
    try:
        told = Path("/proc/thread-self/schedstat").read_text("ascii")
    except OSError:
        return 0.0
    return int(told.split()[1]) / 1e9
