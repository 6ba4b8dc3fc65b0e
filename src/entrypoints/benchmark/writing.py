"""What a durable write costs: alone, with many under way, and with many entries there already."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from itertools import islice
from random import Random
from typing import TYPE_CHECKING

import msgspec

from .calls import calls, results_of, until_indexed
from .figure import Figure, Target
from .raw_store import RawStore
from .timing import alternate, median, percentile, timed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .bench import Bench

_IN_FLIGHT = 64
_DIMENSION = 256
_OF_SQLITE_ALONE = 0.153
"""1,500 a second, on the machine on which SQLite alone was seen to make 9,800."""
_RAW_CHILD = (
    "a 40-line loop over stdin that inserts row and FTS5 index with synchronous=FULL, one commit a call"
)


def raw_lines(operation: str, arguments: Sequence[tuple[object, ...]]) -> list[bytes]:
    return [msgspec.json.encode([operation, *given]) + b"\n" for given in arguments]


def remember(bench: Bench) -> Iterator[Figure]:
    per_block = bench.scaled(200, 40)
    rounds = bench.scaled(10, 3)
    ours: list[float] = []
    floor: list[float] = []
    texts = bench.corpus.texts()
    alone: list[float] = []
    noise = Random(3)  # noqa: S311 (a vector of the right size)
    with (
        bench.server(bench.store_of(1_000)) as server,
        bench.raw_child(bench.fresh_path()) as raw,
        closing(RawStore(bench.fresh_path())) as store,
    ):
        for _ in range(rounds):
            for text in islice(texts, per_block):
                row = (text[-20:], text, noise.randbytes(4 * _DIMENSION))
                alone.append(timed(partial(store.add, [row])))
            some = list(islice(texts, per_block))
            floor += raw.one_by_one(raw_lines("add", [(text[-20:], text) for text in some])).seconds
            exchange = server.one_by_one(calls("memory_remember", ({"content": text} for text in some)))
            results_of(exchange.answers)
            ours += exchange.seconds
    yield Figure(
        name="remember",
        what="remember over stdio, one at a time",
        measured=len(ours) / sum(ours),
        unit="calls/s",
        floor=len(floor) / sum(floor),
        floor_is=_RAW_CHILD,
        target=Target("measured", ">=", 1_500),
    )
    yield Figure(
        name="remember",
        what="  the same, to SQLite alone",
        measured=len(ours) / sum(ours),
        unit="calls/s",
        floor=len(alone) / sum(alone),
        floor_is=f"sqlite3 in process: row, FTS5 index and {_DIMENSION} float32 as a blob, one row a commit",
        target=Target("ratio", ">=", _OF_SQLITE_ALONE),
    )
    for share in (0.5, 0.99):
        yield Figure(
            name="remember",
            what=f"  p{share * 100:.0f} of a call",
            measured=percentile(ours, share) * 1000,
            unit="ms",
            floor=percentile(floor, share) * 1000,
            floor_is=_RAW_CHILD,
        )


def flat(bench: Bench) -> Iterator[Figure]:
    """One server on a small store and one on a large one, by turns, once both have their index: making it takes a large
    one a minute of a core, once.
    """
    few, many = 1_000, bench.scaled(100_000, 10_000)
    small_path, large_path = bench.store_of(few), bench.store_of(many)
    texts = bench.corpus.texts()
    with bench.server(small_path) as small, bench.server(large_path) as large:
        for server in (small, large):
            until_indexed(server, bench.corpus)
        samples: list[list[float]] = [[], []]
        for _ in range(bench.scaled(20, 5)):
            for server, kept in ((small, samples[0]), (large, samples[1])):
                lines = calls("memory_remember", ({"content": text} for text in islice(texts, 50)))
                exchange = server.one_by_one(lines)
                results_of(exchange.answers)
                kept.extend(exchange.seconds)
    at_small, at_large = (sum(kept) / len(kept) for kept in samples)
    yield Figure(
        name="flat",
        what=f"remember at {many:,} entries (mean)",
        measured=at_large * 1000,
        unit="ms",
        floor=at_small * 1000,
        floor_is=f"the same calls at {few:,} entries",
        target=Target("ratio", "<=", 1.3),
    )
    yield Figure(
        name="flat",
        what=f"  median at {many:,} entries",
        measured=median(samples[1]) * 1000,
        unit="ms",
        floor=median(samples[0]) * 1000,
        floor_is=f"the same calls at {few:,} entries",
    )


def together(bench: Bench) -> Iterator[Figure]:
    count = bench.scaled(3_200, 640)
    texts = bench.corpus.texts()
    noise = Random(3)  # noqa: S311 (a vector of the right size)

    def ours(_: int) -> float:
        lines = calls("memory_remember", ({"content": text} for text in islice(texts, count)))
        answers: list[bytes] = []
        seconds = timed(lambda: answers.extend(server.many_at_once(lines, _IN_FLIGHT)))
        results_of(answers)
        return seconds

    def floor(_: int) -> float:
        rows = [(text[-20:], text, noise.randbytes(4 * _DIMENSION)) for text in islice(texts, count)]
        groups = [rows[start : start + _IN_FLIGHT] for start in range(0, count, _IN_FLIGHT)]

        def add_all() -> None:
            for group in groups:
                raw.add(group)

        return timed(add_all)

    raw = RawStore(bench.fresh_path())
    with bench.server(bench.fresh_path()) as server:
        our_seconds, floor_seconds = alternate(bench.scaled(5, 3), ours, floor)
    raw.close()
    yield Figure(
        name="together",
        what=f"remember over stdio, {_IN_FLIGHT} in flight",
        measured=count / our_seconds,
        unit="calls/s",
        floor=count / floor_seconds,
        floor_is=f"sqlite3 in process: row, FTS5 index and {_DIMENSION} float32 as a blob, {_IN_FLIGHT} rows a commit",
        target=Target("ratio", ">=", 0.25),
    )


def update(bench: Bench) -> Iterator[Figure]:
    count = bench.scaled(1_000, 150)
    path, raw_path = bench.store_of(1_000), bench.raw_store_of(1_000)
    ids = bench.ids_in(path, count)
    ours: list[float] = []
    floor: list[float] = []
    texts = bench.corpus.texts()
    with bench.server(path) as server, bench.raw_child(raw_path) as raw:
        for start in range(0, count, 50):
            some = list(zip(ids[start : start + 50], texts, strict=False))
            floor += raw.one_by_one(
                raw_lines("change", [((start + n) % 1_000, text) for n, (_, text) in enumerate(some)])
            ).seconds
            exchange = server.one_by_one(calls("memory_update", ({"id": i, "content": t} for i, t in some)))
            results_of(exchange.answers)
            ours += exchange.seconds
    yield Figure(
        name="update",
        what="update of the content over stdio, one at a time",
        measured=len(ours) / sum(ours),
        unit="calls/s",
        floor=len(floor) / sum(floor),
        floor_is="the same loop, updating row and index in place (the product keeps the former version too)",
        note=f"p50 {percentile(ours, 0.5) * 1000:.2f} ms, p99 {percentile(ours, 0.99) * 1000:.2f} ms",
    )
