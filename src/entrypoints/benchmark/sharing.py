"""Sixteen processes that write to one file at once: nothing may fail, nothing may be lost, nobody may starve."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from .calls import calls, result_of
from .figure import Figure, Target
from .line_child import side_by_side
from .raw_store import RawStore
from .timing import percentile
from .writing import raw_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .bench import Bench

_PROCESSES = 16


def processes(bench: Bench) -> Iterator[Figure]:
    each = bench.scaled(60, 15)
    path, raw_path = bench.fresh_path(), bench.fresh_path()
    texts = [bench.corpus.take(each) for _ in range(_PROCESSES)]
    with ExitStack() as children:
        servers = [children.enter_context(bench.server(path)) for _ in texts]
        ours = side_by_side(
            servers, [calls("memory_remember", ({"content": t} for t in own)) for own in texts]
        )
    with ExitStack() as children:
        raw = [children.enter_context(bench.raw_child(raw_path)) for _ in texts]
        floor = side_by_side(raw, [raw_lines("add", [(t[-20:], t) for t in own]) for own in texts])
    acknowledged = [_id_of(answer) for answer in ours.answers]
    ids = [one for one in acknowledged if one is not None]
    yield Figure(
        name="processes",
        what=f"{_PROCESSES} processes on one file: errors in {len(acknowledged):,} writes",
        measured=len(acknowledged) - len(ids),
        unit="errors",
        target=Target("measured", "<=", 0),
    )
    yield Figure(
        name="processes",
        what="  acknowledged writes that are not there afterwards",
        measured=len(ids) - _standing(bench, path, ids),
        unit="lost",
        target=Target("measured", "<=", 0),
    )
    yield Figure(
        name="processes",
        what="  p99 of a write",
        measured=percentile(ours.seconds, 0.99) * 1000,
        unit="ms",
        floor=percentile(floor.seconds, 0.99) * 1000,
        floor_is="sixteen plain loops with BEGIN IMMEDIATE and SQLite's own busy handler",
        target=Target("measured", "<=", 250),
        note=f"worst {max(ours.seconds) * 1000:,.0f} ms, floor's worst {max(floor.seconds) * 1000:,.0f} ms",
    )
    store = RawStore(raw_path)
    assert store.count() == len(floor.answers)
    store.close()


def _id_of(answer: bytes) -> str | None:
    try:
        return str(result_of(answer)["results"][0]["id"])
    except RuntimeError:
        return None


def _standing(bench: Bench, path: Path, ids: list[str]) -> int:
    with bench.server(path) as server:
        groups = [ids[start : start + 200] for start in range(0, len(ids), 200)]
        answers = server.one_by_one(calls("memory_get", ({"ids": group} for group in groups))).answers
    return sum(len(result_of(answer)["entries"]) for answer in answers)
