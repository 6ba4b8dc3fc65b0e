"""How many small faults in the in-process adapters their contract suites find, by themselves.

    uv run python benchmarks/mutants.py --results mutants.json
    uv run python benchmarks/mutants.py --results mutants.json --page > docs/mutation.md

Each mutant is one change of one place of one file (a comparison turned, a bound moved, a call dropped, ...), made in a
copy of the repository and tried by the contract suite of its port alone, which ends at the first clause that fails.
Where none does the mutant has survived. The page lists all survivors, with the reason where there is one; a survivor
without a reason is a clause that is missing.

`--list` only counts, `--only TEXT` tries those whose name has the text, `--every N` one of N. `--again` tries the
survivors among the results that are kept, after a clause was added: what was found before still is.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import msgspec
from mutants_known import KNOWN
from mutants_made import Mutant, mutants_of

ROOT = Path(__file__).resolve().parents[1]
SUBJECTS: dict[str, tuple[str, ...]] = {
    "cache": ("adapters/inprocess/cache.py", "ports/lru.py", "ports/single_flight.py"),
    "lock": ("adapters/inprocess/lock.py", "adapters/inprocess/lock_table.py"),
    "event_bus": ("adapters/inprocess/event_bus.py", "ports/event_queue.py"),
    "rate_limiter": (
        "adapters/inprocess/rate_limiter.py",
        "adapters/inprocess/sliding_log.py",
        "ports/windows.py",
    ),
    "circuit_breaker": (
        "adapters/inprocess/circuit_breaker.py",
        "adapters/inprocess/breaker_machine.py",
        "adapters/inprocess/durations.py",
        "ports/breaker_rules.py",
    ),
}
"""Files by port. `durations` serves the limiter as well; one suite is enough."""
QUICK = """
from agent_memory_contract import exploring

exploring.effort = exploring.Effort(seconds=1.0, shrink=False)


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.obj.__module__.endswith("_explored"))
"""
"""That a schedule fails is all that is asked here, not how short it can be made; and they come last."""
WORKERS = 2
PATIENCE = 120.0
"""Seconds after which a mutant hangs, and is found by that."""


class Results(msgspec.Struct):
    """By mutant: whether it survived, and the clause that found it. `found_at_first`: how many were found before the
    survivors were looked at and tried again.
    """

    minutes: float
    outcomes: dict[str, tuple[bool, str]]
    found_at_first: int = 0


class Copy:
    """The repository without its history, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._written = 0
        for part in ("src", "tests/contract"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        links = folder / "links"
        links.mkdir()
        (links / "agent_memory").symlink_to(folder / "src")
        (links / "agent_memory_contract").symlink_to(folder / "tests/contract")
        (links / "without_shrinking.py").write_text(QUICK)

    async def try_suite(self, port: str) -> tuple[bool, str]:
        """Whether it passes, and what failed first."""
        command = (
            sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist",
            "-p", "without_shrinking",
            "--import-mode=importlib", "-W", "error", "--tb=no", "-o", "anyio_mode=auto",
            f"tests/contract/test_{port}_inprocess.py",
        )  # fmt: skip
        environment = os.environ | {"PYTHONPATH": str(self.folder / "links")}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # What is not mutated is compiled once.
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=self.folder,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(PATIENCE):
                out, _ = await process.communicate()
        except TimeoutError:
            return False, "hangs"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        if process.returncode not in {0, 1, 2}:
            return False, f"ends with {process.returncode}"
        failed = [line for line in out.decode().splitlines() if line.startswith(("FAILED", "ERROR"))]
        return process.returncode == 0, _clause(failed[0]) if failed else ""

    async def try_mutant(self, mutant: Mutant) -> tuple[bool, str]:
        file = self.folder / "src" / mutant.file
        before = file.read_text()
        self._write(file, mutant.source)
        try:
            return await self.try_suite(mutant.port)
        finally:
            self._write(file, before)

    def _write(self, file: Path, source: str) -> None:
        """Each time an hour later: compiled code is known by the time of its source, in seconds."""
        file.write_text(source)
        self._written += 3600
        os.utime(file, (self._written, self._written))


def _clause(line: str) -> str:
    name = line.partition("::test_")[2].split(" ")[0]
    return "-".join(name.split("_")[:2]).upper() if name else "import"


def _unplaced(name: str) -> str:
    """Without the number of the line, which moves: two changes alike in one function are taken for one."""
    return re.sub(r":\d+ ", " ", name, count=1)


def made(only: str) -> list[Mutant]:
    found = [
        mutant
        for port, files in SUBJECTS.items()
        for file in files
        for mutant in mutants_of((ROOT / "src" / file).read_text(), file, port)
    ]
    return [mutant for mutant in found if only in mutant.name]


async def try_all(mutants: list[Mutant]) -> dict[str, tuple[bool, str]]:
    waiting = list(reversed(mutants))
    results: dict[str, tuple[bool, str]] = {}

    async def work(copy: Copy) -> None:
        while waiting:
            mutant = waiting.pop()
            results[mutant.name] = await copy.try_mutant(mutant)
            survived, by = results[mutant.name]
            print(
                f"{len(results)}/{len(mutants)} {'SURVIVED' if survived else by:12} {mutant.name}",
                file=sys.stderr,
                flush=True,
            )

    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies = [Copy(Path(folder, str(n))) for n in range(WORKERS)]
        for port in SUBJECTS:
            passed, failed = await copies[0].try_suite(port)
            if not passed:
                raise SystemExit(f"without a fault {port} fails: {failed}")
        async with asyncio.TaskGroup() as group:
            for copy in copies:
                group.create_task(work(copy))
    return results


def _found(outcomes: dict[str, tuple[bool, str]]) -> int:
    return sum(not survived for survived, _ in outcomes.values())


def page(possible: list[Mutant], results: Results, fresh: Results | None) -> str:
    outcomes = results.outcomes
    mutants = [mutant for mutant in possible if mutant.name in outcomes]
    survivors = [mutant for mutant in mutants if outcomes[mutant.name][0]]
    killed = len(mutants) - len(survivors)
    explained = sum(mutant.key in KNOWN for mutant in survivors)
    by_file: Counter[str] = Counter(mutant.file for mutant in mutants)
    alive: Counter[str] = Counter(mutant.file for mutant in survivors)
    finders: Counter[str] = Counter(by for survived, by in outcomes.values() if not survived)
    lines = [
        "# Mutants of the in-process adapters",
        "",
        "Generated (`benchmarks/mutants.py` says how). What the contract suites find by themselves",
        "(`tests/contract/test_*_inprocess.py`) of small faults made in the adapters, one at a time.",
        "",
        (
            f"{len(mutants)} mutants, evenly chosen of {len(possible)} that can be made so: {killed} found, "
            f"**{100 * killed / len(mutants):.1f} %**. Before clauses were added for what survived, "
            f"{results.found_at_first} were, {100 * results.found_at_first / len(mutants):.1f} %: on this sample the "
            "first figure flatters."
        ),
        "",
        (
            f"Of the {len(survivors)} survivors {explained} are judged, by reading them, to change nothing that the "
            "port promises; the table says why for each. That is a judgement made after the fact and no measurement."
        ),
        "",
        *(_fresh(possible, fresh) if fresh is not None else ()),
        "| file | mutants | found |",
        "|---|---|---|",
        *(f"| `{file}` | {count} | {count - alive[file]} |" for file, count in by_file.items()),
        "",
        "## Survivors",
        "",
        "| where | change | why no clause finds it |",
        "|---|---|---|",
        *map(_row, survivors),
        "",
        "## What found the others",
        "",
        "The first clause of each run that failed. A clause that is not here may still be the only one that finds",
        "some other fault: see [the saboteurs](saboteurs.md).",
        "",
        ", ".join(f"{clause} {count}" for clause, count in sorted(finders.items())),
        "",
    ]
    return "\n".join(lines)


def _fresh(possible: list[Mutant], fresh: Results) -> list[str]:
    """A sample that no clause was written for."""
    found = _found(fresh.outcomes)
    survivors = [m for m in possible if fresh.outcomes.get(m.name, (False, ""))[0]]
    return [
        "## A sample that no clause was written for",
        "",
        (
            f"{len(fresh.outcomes)} other mutants, evenly chosen, tried after those clauses were added: {found} found, "
            f"**{100 * found / len(fresh.outcomes):.1f} %** (of so few, give or take ten). These survived:"
        ),
        "",
        *(f"- `{m.file}:{m.line}` `{m.place}`: {m.change}" for m in survivors),
        "",
        "## The first sample by file",
        "",
    ]


def _row(mutant: Mutant) -> str:
    why = KNOWN.get(mutant.key, "**not known: a clause is missing**")
    change = mutant.change.replace("|", "\\|")
    return f"| `{mutant.file}:{mutant.line}` `{mutant.place}` | {change} | {why} |"


def _read(file: Path) -> Results:
    return msgspec.json.decode(file.read_bytes(), type=Results)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--list", action="store_true", help="count the mutants, and try none")
    parser.add_argument("--only", default="", metavar="TEXT", help="those whose name has this text")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every Nth of them")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="beginning with this")
    parser.add_argument("--results", type=Path, metavar="FILE", help="where the results are kept")
    parser.add_argument(
        "--page", action="store_true", help="write the page of results that are kept, and try none"
    )
    parser.add_argument("--fresh", type=Path, metavar="FILE", help="results of another sample, for the page")
    parser.add_argument("--again", action="store_true", help="try the survivors among the results once more")
    parser.add_argument("--sample", type=int, metavar="N", help="so many of them, chosen at random")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="what the choice begins with")
    parser.add_argument(
        "--unlike", type=Path, action="append", default=[], metavar="FILE", help="none that these results have"
    )
    asked = parser.parse_args()
    mutants = made(asked.only)[asked.first :: asked.every]
    seen = {_unplaced(name) for file in asked.unlike for name in _read(file).outcomes}
    mutants = [mutant for mutant in mutants if _unplaced(mutant.name) not in seen]
    if asked.sample is not None:
        mutants = random.Random(asked.seed).sample(mutants, asked.sample)
    if asked.list:
        print("\n".join(mutant.name for mutant in mutants))
        print(f"{len(mutants)} mutants")
        return
    if asked.page:
        fresh = None if asked.fresh is None else _read(asked.fresh)
        print(page(made(""), _read(asked.results), fresh))
        return
    os.nice(5)
    kept = Results(minutes=0.0, outcomes={})
    if asked.again:
        kept = _read(asked.results)
        mutants = [mutant for mutant in made("") if kept.outcomes.get(mutant.name, (False, ""))[0]]
    began = time.monotonic()
    outcomes = asyncio.run(try_all(mutants))
    minutes = kept.minutes + (time.monotonic() - began) / 60
    results = Results(
        minutes=minutes,
        outcomes=kept.outcomes | outcomes,
        found_at_first=kept.found_at_first or _found(outcomes),
    )
    if asked.results is not None:
        asked.results.write_bytes(msgspec.json.encode(results))
    else:
        print(page(mutants, results, None))


if __name__ == "__main__":
    main()
