"""The page on mutants: the last sample is the result, those before it say what was learned from them."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import msgspec
from mutants_known import KNOWN
from mutants_made import NOT_MADE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mutants_made import Mutant


class Results(msgspec.Struct):
    """By mutant: whether it survived, and the clause that found it. `found_at_first`: how many were found before the
    survivors were looked at and tried again.
    """

    minutes: float
    outcomes: dict[str, tuple[bool, str]]
    found_at_first: int = 0


def found(outcomes: dict[str, tuple[bool, str]]) -> int:
    return sum(not survived for survived, _ in outcomes.values())


def page(possible: Sequence[Mutant], samples: Sequence[Results]) -> str:
    last = samples[-1].outcomes
    by_name = {mutant.name: mutant for mutant in possible}
    survivors = [by_name[name] for name, (survived, _) in last.items() if survived]
    by_file: Counter[str] = Counter(by_name[name].file for name in last)
    alive: Counter[str] = Counter(mutant.file for mutant in survivors)
    finders: Counter[str] = Counter(by for survived, by in last.values() if not survived)
    lines = [
        "# Mutants of the in-process adapters",
        "",
        "Generated (`benchmarks/mutants.py` says how). What the contract suites find by themselves",
        "(`tests/contract/test_*_inprocess.py`) of small faults made in the adapters, one at a time.",
        "",
        (
            f"Of {len(last)} mutants that no clause was written for, chosen at random of {len(possible)} less those "
            f"tried before, {found(last)} were found, **{_percent(found(last), len(last))}**"
            f"{_short(found(last), len(last))}, give or take five points: a sample says no more."
        ),
        "",
        "Each sample was tried once, by the clauses that there were then. For what the earlier ones showed to be",
        "unguarded clauses were added before the next, so the last figure comes nearest to the clauses as they are:",
        "",
        "| sample | mutants | found when first tried | |",
        "|---|---|---|---|",
        *(_sample(number, each) for number, each in enumerate(samples, 1)),
        "",
        "The last column is what was found of the first sample once clauses had been written for its survivors, which",
        "flatters. Samples 1 and 2 were drawn before the rules below were set.",
        "",
        "## What is not mutated",
        "",
        "By the form of a place alone, set down before the last three samples were drawn; nothing is left out for what",
        "became of it:",
        "",
        *(f"- {rule}" for rule in NOT_MADE),
        "",
        "Other mutants that change nothing a caller can see are made, and count as survivors.",
        "",
        "## Survivors of the last sample",
        "",
        "The reasons were found by reading, afterwards: they are judgements, and change no figure.",
        "",
        "| where | change | why no clause finds it |",
        "|---|---|---|",
        *map(_row, survivors),
        "",
        "## Survivors of the samples before",
        "",
        "Those for which a clause was written since are marked so; it was not all of them.",
        "",
        *(_line(number, name) for number, each in enumerate(samples[:-1], 1) for name in _survivors(each)),
        "",
        "## The last sample by file",
        "",
        "| file | mutants | found |",
        "|---|---|---|",
        *(f"| `{file}` | {count} | {count - alive[file]} |" for file, count in sorted(by_file.items())),
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


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"


def _short(part: int, whole: int) -> str:
    return "" if 10 * part >= 9 * whole else ", short of the 90 % aimed at"


def _sample(number: int, results: Results) -> str:
    first = results.found_at_first or found(results.outcomes)
    now = found(results.outcomes)
    count = len(results.outcomes)
    later = _percent(now, count) if now != first else ""
    return f"| {number} | {count} | {first}, {_percent(first, count)} | {later} |"


def _survivors(results: Results) -> list[str]:
    return [name for name, (survived, _) in results.outcomes.items() if survived]


def _row(mutant: Mutant) -> str:
    why = KNOWN.get(mutant.key, "**not known: a clause is missing**")
    change = mutant.change.replace("|", "\\|")
    return f"| `{mutant.file}:{mutant.line}` `{mutant.place}` | {change} | {why} |"


def _line(number: int, name: str) -> str:
    """Its lines may stand elsewhere by now, and the mutant be made no more."""
    where, _, change = name.partition(": ")
    file, place = re.sub(r":\d+ ", " ", where).split(" ")
    why = KNOWN.get((file.rpartition("/")[2], place, change.replace("`", "")), "a clause was written since")
    return f"- {number}: `{file}` `{place}`: {change} ({why})"
