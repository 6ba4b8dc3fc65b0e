"""Start, memory and the size of what a model must read: what a client pays before its first question."""

from __future__ import annotations

import subprocess
import sys
from time import perf_counter
from typing import TYPE_CHECKING

import msgspec

from .bench import Bench, bare_python
from .calls import HANDSHAKE, INITIALIZED, LIST_TOOLS, calls, results_of
from .figure import Figure, Target
from .timing import alternate, timed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MEGABYTE = 1 << 20


def start(bench: Bench) -> Iterator[Figure]:
    used = bench.store_of(1_000)
    for path in (bench.fresh_path(), used):
        # Not counted: a program that was just installed is compiled by its first start.
        _to_tools_list(bench, path)
    bare, first, again = alternate(
        bench.scaled(15, 4),
        lambda _: timed(bare_python),
        lambda _: _to_tools_list(bench, bench.fresh_path()),
        lambda _: _to_tools_list(bench, used),
    )
    for what, seconds in (("first start", first), ("start on a store of 1,000", again)):
        yield Figure(
            name="start",
            what=f"{what}, to tools/list",
            measured=seconds * 1000,
            unit="ms",
            floor=bare * 1000,
            floor_is="`python -c pass`, started and ended",
            target=Target("measured", "<=", 150),
        )


def _to_tools_list(bench: Bench, path: Path) -> float:
    started = perf_counter()
    with bench.unopened_server(path) as child:
        child.ask(HANDSHAKE)
        child.send(INITIALIZED)
        child.ask(LIST_TOOLS)
        return perf_counter() - started


def memory(bench: Bench) -> Iterator[Figure]:
    bare = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with bench.server(bench.fresh_path()) as server:
        server.ask(LIST_TOOLS)
        after_start = _resident(server.process.pid)
        lines = calls("memory_remember", ({"content": text} for text in bench.corpus.take(1_000)))
        results_of(server.one_by_one(lines).answers)
        after_writes = _resident(server.process.pid)
    floor = _resident(bare.pid)
    bare.communicate(b"\n")
    for what, size in (("after start", after_start), ("after 1,000 writes", after_writes)):
        yield Figure(
            name="memory",
            what=f"resident memory {what}",
            measured=size / _MEGABYTE,
            unit="MB",
            floor=floor / _MEGABYTE,
            floor_is="bare Python that waits for input",
            target=Target("measured", "<=", 50),
        )


def _resident(pid: int) -> int:
    """Bytes. Every POSIX system has `ps`."""
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], check=True, capture_output=True)  # noqa: S603, S607
    return int(told.stdout) * 1024


def tools_list(bench: Bench) -> Iterator[Figure]:
    with bench.server(bench.fresh_path()) as server:
        answer = msgspec.json.decode(server.ask(LIST_TOOLS))
    yield Figure(
        name="tools-list",
        what="size of tools/list",
        measured=len(msgspec.json.encode(answer["result"]["tools"])) / 1024,
        unit="KB",
        target=Target("measured", "<=", 8),
    )
