"""A certificate: what was tried, what was seen, and what follows from it. Pure: no pytest, no clock, no files."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from .clauses import Clause, fingerprint, up_to
from .suite import Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FORMAT = 1

Outcome = Literal["kept", "broken", "not applicable", "not tried", "overridden", "excused"]
"""not applicable: it needs a capability that the adapter does not claim. excused: expected to fail, so marked."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a clause, or what came before and after it (`prepared`, which only takes time). `undeclared` is the
    capability for want of which it was skipped.
    """

    clause: str
    outcome: Literal["passed", "failed", "skipped", "excused", "prepared"]
    undeclared: str = ""
    overridden: bool = False
    seen: str = ""
    seconds: float = 0.0


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What was tried. Capabilities are what each says it has; `implementation` is the class that was opened.

    `packages` are versions: of the adapter's package, of what it needs, and of the tools.
    """

    port: str
    name: str
    package: str = ""
    version: str = ""
    summary: str = ""
    implementation: str = ""
    capabilities: dict[str, Any] = {}
    harness: str = ""
    harness_capabilities: dict[str, Any] = {}
    packages: dict[str, str] = {}
    overrides: tuple[str, ...] = ()


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    kit: str
    python: str
    platform: str
    at: str
    seconds: float


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """`fingerprint` is equal where the clauses are."""

    port: str
    version: int
    clauses: int
    fingerprint: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one clause. `seconds` take in what its harness needs to begin and to end."""

    id: str
    title: str
    meaning: str
    level: Level
    outcome: Outcome
    seconds: float
    seen: str = ""


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    format: int = FORMAT
    certified: bool
    reasons: tuple[str, ...]
    level: Level
    seed: int
    adapter: Tried
    contract: Contract
    circumstances: Circumstances
    clauses: tuple[Verdict, ...]


def judge(
    *,
    clauses: Sequence[Clause],
    attempts: Iterable[Attempt],
    adapter: Tried,
    contract_version: int,
    level: Level,
    seed: int,
    circumstances: Circumstances,
) -> Certificate:
    """Certified if every clause of the level was tried as it stands, and kept; or needs what is not claimed."""
    asked = up_to(level, clauses)
    of = defaultdict[str, list[Attempt]](list)
    for attempt in attempts:
        of[attempt.clause].append(attempt)
    verdicts = tuple(_verdict(clause, of[clause.name], adapter) for clause in asked)
    reasons = [
        f"{each.id} is {each.outcome}: {each.title}{_seen(each)}"
        for each in verdicts
        if each.outcome not in {"kept", "not applicable"}
    ]
    reasons += [f"{name} of the contract class is overridden" for name in adapter.overrides]
    if not any(each.outcome == "kept" for each in verdicts):
        reasons.append("no clause was kept")
    return Certificate(
        certified=not reasons,
        reasons=tuple(reasons),
        level=level,
        seed=seed,
        adapter=adapter,
        contract=Contract(
            port=adapter.port,
            version=contract_version,
            clauses=len(clauses),
            fingerprint=fingerprint(clauses),
        ),
        circumstances=circumstances,
        clauses=verdicts,
    )


def claimed(adapter: Tried) -> set[str]:
    """Capabilities that clauses may need, as the adapter and its harness claim them.

    What the adapter says it can do its harness must be able to show.
    """
    said = adapter.capabilities
    found = {name for name, value in adapter.harness_capabilities.items() if value}
    found |= {name for name in ("durable", "marks", "backups") if said.get(name)}
    reach = said.get("shared") or said.get("place")
    if reach in {"host", "network"}:
        found.add("second_client")
    if reach == "network":
        found.add("sever")
    return found


def _verdict(clause: Clause, attempts: Sequence[Attempt], adapter: Tried) -> Verdict:
    outcome, seen = _outcome([each for each in attempts if each.outcome != "prepared"], adapter)
    return Verdict(
        id=clause.id,
        title=clause.title,
        meaning=clause.meaning,
        level=clause.level,
        outcome=outcome,
        seconds=round(sum(each.seconds for each in attempts), 3),
        seen=seen,
    )


def _outcome(attempts: Sequence[Attempt], adapter: Tried) -> tuple[Outcome, str]:
    if not attempts:
        return "not tried", "the clause was removed, renamed or deselected, or the run ended before it"
    for each in attempts:
        if each.overridden:
            return "overridden", "another method of that name was run in its place"
    for each in attempts:
        if each.outcome == "failed":
            return "broken", each.seen
    for each in attempts:
        if each.outcome == "excused":
            return "excused", each.seen
    skipped = [each for each in attempts if each.outcome == "skipped"]
    for each in skipped:
        if not each.undeclared:
            return "not tried", f"skipped: {each.seen}"
        if each.undeclared in claimed(adapter):
            return "not tried", f"skipped for want of {each.undeclared}, which is claimed"
    if skipped:
        return "not applicable", f"needs {skipped[0].undeclared}, which is not claimed"
    return "kept", ""


def _seen(verdict: Verdict) -> str:
    return f". Seen: {' '.join(verdict.seen.split())}" if verdict.seen else ""
