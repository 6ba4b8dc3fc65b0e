"""`agent-memory benchmark`."""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ... import __version__
from ..commands.output import show
from ..commands.parsing import Parser
from . import alongside, reading, searching, sharing, starting, writing
from .awake import awake
from .bench import Bench
from .figure import Figure, as_json, as_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MEASUREMENTS: dict[str, Callable[[Bench], Iterator[Figure]]] = {
    "start": starting.start,
    "memory": starting.memory,
    "tools-list": starting.tools_list,
    "remember": writing.remember,
    "flat": writing.flat,
    "together": writing.together,
    "update": writing.update,
    "get": reading.get_in_process,
    "get-stdio": reading.get_over_stdio,
    "recall": searching.recall,
    "recall-alongside": alongside.recall_alongside,
    "recall-again": searching.recall_again,
    "processes": sharing.processes,
}


def run(arguments: list[str]) -> int:
    """0 also when a target is missed: a figure is no verdict on a busy machine."""
    given = _parser().read(arguments)
    names: list[str] = given.get("only") or list(MEASUREMENTS)
    figures: list[Figure] = []
    beside = awake() if given["awake"] else nullcontext()
    with beside, TemporaryDirectory(prefix="agent-memory-benchmark-", dir=given.get("folder")) as folder:
        bench = Bench(Path(folder), quick=given["quick"])
        for name in names:
            sys.stderr.write(f"measuring {name} ...\n")
            figures += MEASUREMENTS[name](bench)
    show(as_json(figures, _machine(awake=given["awake"])) if given["json"] else as_table(figures))
    return 0


def _machine(*, awake: bool) -> dict[str, Any]:
    return {
        "version": __version__,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "awake": awake,
    }


def _parser() -> Parser:
    parser = Parser(
        "benchmark",
        "Measure this program on this machine, in a temporary folder: the real server as a child process, durable "
        "writes, each figure beside the least that could do the same work in the same run (its floor). Your own "
        "memory and settings are not touched. The whole takes a few minutes.",
        {
            "everything, roughly": "benchmark --quick",
            "two measurements, for a script": "benchmark --only remember --only recall --json",
        },
    )
    parser.add_argument(
        "--quick", action="store_true", default=False, help="small counts: rough figures in seconds"
    )
    parser.add_argument(
        "--only", action="append", choices=MEASUREMENTS, metavar="NAME",
        help=f"one of {', '.join(MEASUREMENTS)} (repeatable)",
    )  # fmt: skip
    parser.add_argument(
        "--awake", action="store_true", default=False,
        help="keep the cores from sleeping meanwhile: on a virtual machine waking one takes a while (Linux)",
    )  # fmt: skip
    parser.add_argument(
        "--folder", metavar="PATH", help="where to put the temporary files: measures that disk"
    )
    parser.json()
    return parser
