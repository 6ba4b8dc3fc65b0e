"""What a read costs: by id in process and over stdio, and by words at growing sizes."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import asynccontextmanager
from time import perf_counter
from typing import TYPE_CHECKING

from ..library import open_memory
from .calls import calls, results_of
from .figure import Figure, Target
from .timing import median, percentile
from .writing import raw_lines

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
    from pathlib import Path

    from .bench import Bench

_TASKS = 64
_DISTINCT = 4_000
"""Entries read in turn: more than the query cache holds, so that each read is one of the store."""
_OF_AIOSQLITE = 0.1
"""5,000 a second, on the machine on which aiosqlite was seen to read 50,000."""
_AIOSQLITE = "aiosqlite, one connection, execute_fetchall one after the other"
_MISSING = "aiosqlite is not installed (development group): no floor"
_GET_ROW = "SELECT * FROM entry WHERE id = ?"


def get_in_process(bench: Bench) -> Iterator[Figure]:
    yield from asyncio.run(_get_in_process(bench))


async def _get_in_process(bench: Bench) -> list[Figure]:
    path, raw_path = bench.store_of(10_000), bench.raw_store_of(10_000)
    count = bench.scaled(_DISTINCT, 1_200)
    wanted = bench.ids_in(path, count)
    raw_wanted = [str(n % 10_000) for n in range(count)]
    same = wanted[:1] * count
    async with open_memory(path) as memory:

        async def get(entry_id: str) -> None:
            assert (await memory.get(entry_id)).entries

        async with _aiosqlite_reader(raw_path) as peer:
            samples: list[list[float]] = [[], [], [], [], []]
            for _ in range(bench.scaled(7, 3)):
                samples[0].append(await _spread(get, wanted))
                samples[1].append(await _in_turn(get, wanted))
                samples[2].append(_plain(raw_path, raw_wanted))
                samples[3].append(await _in_turn(get, same))
                if peer is not None:
                    samples[4].append(await _in_turn(peer, raw_wanted))
    spread, in_turn, plain, again = (median(kept) for kept in samples[:4])
    floor = count / median(samples[4]) if samples[4] else None
    return [
        Figure(
            name="get",
            what=f"get by id in process, {_TASKS} callers",
            measured=count / spread,
            unit="calls/s",
            floor=floor,
            floor_is=_AIOSQLITE if floor else "",
            target=Target("ratio", ">=", 0.4),
            note="" if floor else _MISSING,
        ),
        Figure(
            name="get",
            what="get by id in process, one at a time",
            measured=count / in_turn,
            unit="calls/s",
            floor=count / plain,
            floor_is="sqlite3 without asyncio",
        ),
        Figure(
            name="get",
            what="the same get again, in process",
            measured=count / again,
            unit="calls/s",
            floor=count / plain,
            floor_is="sqlite3 without asyncio, which reads",
        ),
    ]


async def _spread(get: Callable[[str], Awaitable[object]], wanted: Sequence[str]) -> float:
    async def caller(own: Sequence[str]) -> None:
        for one in own:
            await get(one)

    started = perf_counter()
    async with asyncio.TaskGroup() as group:
        for task in range(_TASKS):
            group.create_task(caller(wanted[task::_TASKS]))
    return perf_counter() - started


async def _in_turn(get: Callable[[str], Awaitable[object]], wanted: Sequence[str]) -> float:
    started = perf_counter()
    for one in wanted:
        await get(one)
    return perf_counter() - started


def _plain(path: Path, wanted: Sequence[str]) -> float:
    database = sqlite3.connect(path)
    started = perf_counter()
    for one in wanted:
        database.execute(_GET_ROW, (one,)).fetchone()
    seconds = perf_counter() - started
    database.close()
    return seconds


@asynccontextmanager
async def _aiosqlite_reader(path: Path) -> AsyncGenerator[Callable[[str], Awaitable[object]] | None]:
    """None where it is not installed: it is a floor, not a dependency."""
    try:
        import aiosqlite  # noqa: PLC0415 (development group only)
    except ImportError:
        yield None
        return
    async with aiosqlite.connect(path) as database:

        async def get(entry_id: str) -> object:
            return await database.execute_fetchall(_GET_ROW, (entry_id,))

        yield get


async def _by_aiosqlite(path: Path, wanted: Sequence[str]) -> float:
    """Seconds; 0 where it is not installed."""
    async with _aiosqlite_reader(path) as peer:
        return 0.0 if peer is None else await _in_turn(peer, wanted)


def get_over_stdio(bench: Bench) -> Iterator[Figure]:
    path, raw_path = bench.store_of(10_000), bench.raw_store_of(10_000)
    per_block = bench.scaled(500, 200)
    ids = bench.ids_in(path, bench.scaled(_DISTINCT, 1_200))
    first: list[float] = []
    again: list[float] = []
    floor: list[float] = []
    by_aiosqlite = 0.0
    with bench.server(path) as server, bench.raw_child(raw_path) as raw:
        for turn in range(bench.scaled(10, 4)):
            some = [ids[(turn * per_block + n) % len(ids)] for n in range(per_block)]
            floor += raw.one_by_one(raw_lines("get", [(str(n),) for n in range(per_block)])).seconds
            by_aiosqlite += asyncio.run(_by_aiosqlite(raw_path, [str(n) for n in range(per_block)]))
            lines = calls("memory_get", ({"ids": [one]} for one in some))
            for seconds in (first, list[float](), again):
                # What was asked twice is kept.
                exchange = server.one_by_one(lines)
                assert all(result["entries"] for result in results_of(exchange.answers))
                seconds.extend(exchange.seconds)
    for what, taken, target in (
        ("get by id over stdio, one at a time", first, Target("measured", ">=", 5_000)),
        ("the same get again, over stdio", again, Target("measured", ">=", 5_000)),
    ):
        yield Figure(
            name="get-stdio",
            what=what,
            measured=len(taken) / sum(taken),
            unit="calls/s",
            floor=len(floor) / sum(floor),
            floor_is="a loop over stdin that reads the row and writes it as JSON",
            target=target,
            note=f"p50 {percentile(taken, 0.5) * 1000:.3f} ms, p99 {percentile(taken, 0.99) * 1000:.3f} ms",
        )
    yield Figure(
        name="get-stdio",
        what="  the first, to aiosqlite in process",
        measured=len(first) / sum(first),
        unit="calls/s",
        floor=len(floor) / by_aiosqlite if by_aiosqlite else None,
        floor_is=_AIOSQLITE if by_aiosqlite else "",
        target=Target("ratio", ">=", _OF_AIOSQLITE),
        note="" if by_aiosqlite else _MISSING,
    )
