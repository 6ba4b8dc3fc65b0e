"""How many small faults in the in-process adapters their contract suites find, by themselves.

    uv run python benchmarks/mutants.py --sample 120 --seed 20261126
    uv run python benchmarks/mutants.py --again
    uv run python benchmarks/mutants.py --page > docs/mutation.md

Each mutant is one change of one place of one file (a comparison turned, a bound moved, a call dropped, ...), made in a
copy of the repository and tried by the contract suite of its port alone, which ends at the first clause that fails.
Where none does the mutant has survived. `docs/mutation.json` keeps every sample that was ever tried, as it was when
first tried; the page tells all of them. Size and seed of a sample are settled before it is drawn.

`--again` tries the survivors of all samples once more, by the clauses that there are now. `--only TEXT` tries those
whose name has the text, and `--list` only counts: neither keeps anything.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import msgspec
from mutants_made import Mutant, mutants_of
from mutants_page import History, Sample, page, unplaced

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "docs/mutation.json"
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
"""Seconds after which a mutant hangs, and is found by that; ten times what the suite takes without a fault, where that
is more: on a busy machine a suite that is slow must not count as one that found something.
"""


class Copy:
    """The repository without its history, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._written = 0
        self.patience: dict[str, float] = {}
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
            async with asyncio.timeout(self.patience.get(port, 10 * PATIENCE)):
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


def made(only: str) -> list[Mutant]:
    every = [
        mutant
        for port, files in SUBJECTS.items()
        for file in files
        for mutant in mutants_of((ROOT / "src" / file).read_text(), file, port)
    ]
    return [mutant for mutant in every if only in mutant.name]


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
            began = time.monotonic()
            passed, failed = await copies[0].try_suite(port)
            if not passed:
                raise SystemExit(f"without a fault {port} fails: {failed}")
            for copy in copies:
                copy.patience[port] = max(PATIENCE, 10 * (time.monotonic() - began))
        async with asyncio.TaskGroup() as group:
            for copy in copies:
                group.create_task(work(copy))
    return results


def sampled(count: int, seed: int) -> Sample:
    mutants = random.Random(seed).sample(made(""), count)
    outcomes = asyncio.run(try_all(mutants))
    alive = [name for name, (survived, _) in outcomes.items() if survived]
    return Sample(
        how=f"{count} at random of all {len(made(''))}, seed {seed}; settled before it was drawn",
        tried=count,
        found=count - len(alive),
        survivors=list(map(unplaced, alive)),
        outcomes={unplaced(name): by for name, (_, by) in outcomes.items()},
    )


async def without_a_fault(times: int) -> tuple[int, int]:
    """How many runs passed, of how many: what is found by chance."""
    waiting = [port for _ in range(times) for port in SUBJECTS]
    passed: list[bool] = []

    async def work(copy: Copy) -> None:
        while waiting:
            passed.append((await copy.try_suite(waiting.pop()))[0])

    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        async with asyncio.TaskGroup() as group:
            for number in range(WORKERS):
                group.create_task(work(Copy(Path(folder, str(number)))))
    return sum(passed), len(passed)


def tried_again(history: History) -> History:
    """What no clause finds by now; a mutant that is not made any more stays as it was."""
    before = {name for sample in history.samples for name in sample.survivors}
    outcomes = asyncio.run(try_all([mutant for mutant in made("") if unplaced(mutant.name) in before]))
    alive = {unplaced(name) for name, (survived, _) in outcomes.items() if survived}
    found = {unplaced(name) for name in outcomes} - alive
    for sample in history.samples:
        sample.survivors = [name for name in sample.survivors if name not in found]
    return history


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--list", action="store_true", help="count the mutants, and try none")
    parser.add_argument("--only", metavar="TEXT", help="try those whose name has this text, and keep nothing")
    parser.add_argument("--page", action="store_true", help="write the page of what is kept, and try none")
    parser.add_argument("--again", action="store_true", help="try the survivors of all samples once more")
    parser.add_argument("--control", type=int, metavar="N", help="try each suite so often without a fault")
    parser.add_argument("--sample", type=int, metavar="N", help="try so many, chosen at random")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="what the choice begins with")
    asked = parser.parse_args()
    mutants = made(asked.only or "")
    history = msgspec.json.decode(KEPT.read_bytes(), type=History)
    if asked.list:
        print("\n".join(mutant.name for mutant in mutants))
        print(f"{len(mutants)} mutants")
    elif asked.page:
        print(page(mutants, history))
    elif asked.only:
        asyncio.run(try_all(mutants))
    elif asked.again:
        _keep(tried_again(history))
    elif asked.control:
        history.control = asyncio.run(without_a_fault(asked.control))
        _keep(history)
    elif asked.sample:
        history.samples.append(sampled(asked.sample, asked.seed))
        _keep(history)
    else:
        parser.error("say what: --sample, --again, --control, --only, --list or --page")


def _keep(history: History) -> None:
    KEPT.write_bytes(msgspec.json.format(msgspec.json.encode(history), indent=1) + b"\n")


if __name__ == "__main__":
    os.nice(5)
    main()
