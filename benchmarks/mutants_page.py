"""The page on mutants: the last sample is the result, those before it say what was learned from them."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING

import msgspec
from mutants_known import KNOWN
from mutants_made import NOT_MADE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mutants_made import Mutant


class Sample(msgspec.Struct):
    """Mutants that were tried together. `found` is how many were when they were first tried; `survivors` what no clause
    has found since. `outcomes`, by mutant: the clause that found it, nothing for a survivor (of the last sample only).
    """

    how: str
    tried: int
    found: int
    survivors: list[str]
    outcomes: dict[str, str] = {}


class History(msgspec.Struct):
    """`control`: of runs without a fault, how many passed, and how many there were."""

    samples: list[Sample]
    control: tuple[int, int] = (0, 0)


def unplaced(name: str) -> str:
    """Without the number of the line, which moves: two changes alike in one function are taken for one."""
    return re.sub(r":\d+ ", " ", name, count=1)


def page(possible: Sequence[Mutant], history: History) -> str:
    samples = history.samples
    last = samples[-1]
    by_name = {unplaced(mutant.name): mutant for mutant in possible}
    files: Counter[str] = Counter(name.partition(":")[0] for name in last.outcomes)
    alive: Counter[str] = Counter(name.partition(":")[0] for name, by in last.outcomes.items() if not by)
    finders: Counter[str] = Counter(by for by in last.outcomes.values() if by)
    low, high = interval(last.found, last.tried)
    lines = [
        "# Mutants of the in-process adapters",
        "",
        "Generated (`benchmarks/mutants.py` says how). What the contract suites find by themselves",
        "(`tests/contract/test_*_inprocess.py`) of small faults made in the in-process adapters of cache, lock,",
        "event bus, rate limiter and circuit breaker, one at a time.",
        "",
        (
            f"Of {last.tried} mutants, chosen at random of all {len(possible)}, {last.found} were found: "
            f"**{_percent(last.found, last.tried)}**{_short(last.found, last.tried)}. By such a sample it is between "
            f"{low:.1f} % and {high:.1f} % of all (95 %, Wilson)."
        ),
        "",
        (
            f"Without a fault the suites passed {history.control[0]} of {history.control[1]} runs on the same machine, "
            "as busy as then."
        ),
        "",
        "## Every sample that was tried",
        "",
        "Each was tried once, by the clauses that there were then, and is told as it came out. For what it showed to",
        "be unguarded clauses were added before the next.",
        "",
        "| sample | how it was chosen | found when first tried | by now |",
        "|---|---|---|---|",
        *(_sample(number, each) for number, each in enumerate(samples, 1)),
        "",
        "Samples 3, 4 and 5 were drawn one after the other, by whoever had seen what came of the one before, until",
        "one reached 90 %: chance helps whoever may stop, so that the fifth by itself flatters. Taken together they",
        f"found {_together(samples[2:5])}.",
        "",
        "The sixth was settled before it was drawn: its size, its seed, and that it is told as it comes. It is of all",
        "mutants there are, since the first five had tried 564 of them, and of the few that are left no such sample",
        "can be had. So it says how many faults the suites find as they are, and not how they do with faults that",
        "nobody has ever looked at: for those the samples before it are the measure.",
        "",
        "The last column is what clauses that were written for the survivors made of it.",
        "",
        "## What is not mutated",
        "",
        "By the form of a place alone, set down before sample 3 was drawn; nothing is left out for what became of it:",
        "",
        *(f"- {rule}" for rule in NOT_MADE),
        "",
        "Other mutants that change nothing a caller can see are made, and count as survivors.",
        "",
        "## Survivors",
        "",
        "Of all samples, what no clause finds by now. The reasons were found by reading, afterwards: they are",
        "judgements, and change no figure.",
        "",
        "| sample | where | change | why no clause finds it |",
        "|---|---|---|---|",
        *(_row(numbers, name, by_name) for name, numbers in _survivors(samples).items()),
        "",
        "## The last sample by file",
        "",
        "| file | mutants | found |",
        "|---|---|---|",
        *(f"| `{file}` | {count} | {count - alive[file]} |" for file, count in sorted(files.items())),
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


def interval(part: int, whole: int) -> tuple[float, float]:
    """Wilson's, 95 %, in percent (E. B. Wilson, JASA 22, 1927)."""
    z, p = 1.96, part / whole
    middle = (p + z * z / (2 * whole)) / (1 + z * z / whole)
    half = z / (1 + z * z / whole) * math.sqrt(p * (1 - p) / whole + z * z / (4 * whole * whole))
    return 100 * (middle - half), 100 * (middle + half)


def _together(samples: Sequence[Sample]) -> str:
    found, tried = sum(each.found for each in samples), sum(each.tried for each in samples)
    return f"{found} of {tried}, {_percent(found, tried)}"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"


def _short(part: int, whole: int) -> str:
    return "" if 10 * part >= 9 * whole else ", short of the 90 % aimed at"


def _sample(number: int, sample: Sample) -> str:
    now = sample.tried - len(sample.survivors)
    later = f"{now}, {_percent(now, sample.tried)}" if now != sample.found else ""
    first = f"{sample.found} of {sample.tried}, {_percent(sample.found, sample.tried)}"
    return f"| {number} | {sample.how} | {first} | {later} |"


def _survivors(samples: Sequence[Sample]) -> dict[str, list[int]]:
    """By mutant, the samples that had it."""
    found: dict[str, list[int]] = {}
    for number, sample in enumerate(samples, 1):
        for name in sample.survivors:
            found.setdefault(name, []).append(number)
    return found


def _row(numbers: list[int], name: str, by_name: dict[str, Mutant]) -> str:
    where, _, change = name.partition(": ")
    file, place = where.split(" ")
    why = KNOWN.get(
        (file.rpartition("/")[2], place, change.replace("`", "")), "**not known: a clause is missing**"
    )
    if name not in by_name:
        why += " (not made any more, by the rules above)"
    shown = change.replace("|", "\\|")
    return f"| {', '.join(map(str, numbers))} | `{file}` `{place}` | {shown} | {why} |"
