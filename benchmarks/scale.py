"""Recall as the store grows: times, memory, bytes an entry, filling and loading the index. In process, on SQLite.

    uv run python benchmarks/scale.py [--sizes 1000 10000 100000] [--folder DIRECTORY] [--questions 300] [--json]

The library with its defaults (static model). Each size is a store of its own and each measurement a process of its
own, so that memory is that of one index and nothing before it. Entries are paragraphs of about 400 bytes, as in
`agent-memory benchmark`. A million of them take some 2 GB of disk and several minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from agent_memory import open_memory
from agent_memory.entrypoints.benchmark.corpus import Corpus
from agent_memory.entrypoints.benchmark.timing import percentile

if TYPE_CHECKING:
    from agent_memory.entrypoints.library import OpenMemory

_BATCH = 256
_MB = 1_000_000
_HEAD = (
    "entries", "p50 ms", "p99 ms", "filled s", "loaded s", "RSS MB", "own MB", "B an entry", "store MB", "index MB",
)  # fmt: skip


class Part(msgspec.Struct, frozen=True):
    """What one process measured. `ready`: seconds until the first answer from the whole index. `resident`: megabytes
    at the end; `own`: of these, not of files (the store itself is mapped into memory, and given up when that is short).
    """

    ready: float
    p50: float
    p99: float
    resident: float
    own: float


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """`filled` is by a process that found no index beside the store, `loaded` by the one after it. `writing`: seconds
    for all entries. Megabytes of the files.
    """

    entries: int
    writing: float
    store: float
    index: float
    filled: Part
    loaded: Part


class _Job(NamedTuple):
    path: Path
    entries: int
    questions: int


def measure(folder: Path, entries: int, questions: int) -> Scale:
    job = _Job(folder / f"scale-{entries}.db", entries, questions)
    started = perf_counter()
    _child("write", job)
    writing = perf_counter() - started
    filled = msgspec.json.decode(_child("ask", job), type=Part)
    index = job.path.with_name(job.path.name + "-index")
    loaded = msgspec.json.decode(_child("ask", job), type=Part)
    return Scale(
        entries=entries,
        writing=writing,
        store=job.path.stat().st_size / _MB,
        index=index.stat().st_size / _MB if index.exists() else 0.0,
        filled=filled,
        loaded=loaded,
    )


def _child(work: str, job: _Job) -> bytes:
    command = [sys.executable, __file__, "--child", work, str(job.path), str(job.entries), str(job.questions)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


async def _write(job: _Job) -> None:
    texts = Corpus().texts()
    async with open_memory(job.path) as memory:
        for start in range(0, job.entries, _BATCH):
            some = islice(texts, min(_BATCH, job.entries - start))
            await memory.remember(entries=[{"content": text} for text in some])


async def _ask(job: _Job) -> Part:
    corpus = Corpus(seed=11)
    async with open_memory(job.path) as memory:
        started = perf_counter()
        while (await memory.recall_with(query=corpus.question())).degraded:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.05)
        ready = perf_counter() - started
        times = await _times(memory, corpus, job.questions)
        # An index that is to be saved is saved beside the answers; leaving would cut that off.
        await _until_saved(memory, corpus, job)
        return Part(
            ready,
            percentile(times, 0.5) * 1000,
            percentile(times, 0.99) * 1000,
            _status("VmRSS"),
            _status("RssAnon"),
        )


async def _times(memory: OpenMemory, corpus: Corpus, count: int) -> list[float]:
    times: list[float] = []
    for _ in range(count):
        question = corpus.question()
        started = perf_counter()
        await memory.recall(question)
        times.append(perf_counter() - started)
    return times


async def _until_saved(memory: OpenMemory, corpus: Corpus, job: _Job) -> None:
    index = job.path.with_name(job.path.name + "-index")
    for _ in range(600 if job.entries >= 5_000 else 0):
        if index.exists():
            return
        await memory.recall(corpus.question())
        await asyncio.sleep(0.1)


def _status(name: str) -> float:
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition(f"{name}:")[2].split()[0]) * 1024 / _MB


def as_table(found: list[Scale]) -> str:
    rows = [
        _HEAD,
        *(
            (
                f"{one.entries:,}",
                f"{one.loaded.p50:.2f}",
                f"{one.loaded.p99:.1f}",
                f"{one.filled.ready:.2f}",
                f"{one.loaded.ready:.2f}",
                f"{one.loaded.resident:.0f}",
                f"{one.loaded.own:.0f}",
                _bytes_each(found[0], one),
                f"{one.store:.0f}",
                f"{one.index:.0f}",
            )
            for one in found
        ),
    ]  # fmt: skip
    return "\n".join("".join(cell.rjust(12) for cell in row) for row in rows)


def _bytes_each(least: Scale, one: Scale) -> str:
    """Of its own memory, beyond what the smallest store takes: numpy, the model, the process."""
    more = one.entries - least.entries
    return f"{(one.loaded.own - least.loaded.own) * _MB / more:,.0f}" if more else ""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--folder", type=Path, help="where the stores go (default: a temporary one)")
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument(
        "--child", nargs=4, metavar=("WORK", "PATH", "ENTRIES", "QUESTIONS"), help=argparse.SUPPRESS
    )
    given = parser.parse_args()
    if given.child:
        work, path, entries, questions = given.child
        job = _Job(Path(path), int(entries), int(questions))
        if work == "write":
            asyncio.run(_write(job))
        else:
            sys.stdout.write(msgspec.json.encode(asyncio.run(_ask(job))).decode())
        return
    with TemporaryDirectory(dir=given.folder) as folder:
        found = [measure(Path(folder), entries, given.questions) for entries in given.sizes]
    print(msgspec.json.format(msgspec.json.encode(found)).decode() if given.json else as_table(found))


if __name__ == "__main__":
    main()
