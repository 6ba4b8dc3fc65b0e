"""Certificates, written: JSON for programs, a page for people who never saw the code, some lines for a terminal."""

from __future__ import annotations

from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import msgspec

from .suite import LEVELS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .certificate import Certificate, Outcome, Verdict

_PORTS = {
    "storage": "Storage: the one place where memory is kept, in transactions",
    "cache": "Cache: answers worth keeping for a while; it may lose them, and never gives a wrong one",
    "lock": "Lock: leases by name, with fencing tokens; at most one holder at a time",
    "event_bus": "EventBus: what changed, told to every live subscriber; what may have been lost is announced",
    "rate_limiter": "RateLimiter: several windows, one decision; never more than the limit",
    "circuit_breaker": "CircuitBreaker: stops calling what fails, and finds out when it is well again",
    "blob_store": "BlobStore: named files of any size, each written once, whole or not at all",
    "embedder": "Embedder: text to vectors whose nearness is nearness of meaning",
}
_LEVELS = {
    "plain": "one call after another",
    "concurrent": "one call after another, and many calls and several clients at once",
    "faulty": "one call after another, many calls and several clients at once, calls cancelled at any moment, and a "
    "backend that goes away and comes back",
}
_OUTCOMES: dict[Outcome, str] = {
    "kept": "tried, and the promise held",
    "broken": "tried, and the promise did not hold",
    "not applicable": "it is about something that the adapter does not claim to do",
    "not tried": "it should have been tried, and was not",
    "overridden": "something else was run in its place",
    "excused": "it was marked as expected to fail",
}


_LONGEST = 5
_WORTH_TELLING = 0.1


class Untried(msgspec.Struct, frozen=True, kw_only=True):
    """An adapter that could not be tried at all, and why."""

    port: str
    name: str
    reason: str


def certified(certificates: Sequence[Certificate]) -> bool:
    return bool(certificates) and all(each.certified for each in certificates)


def not_writable(file: Path) -> str:
    """Why no certificate can be written there, which is better said before hundreds of clauses than after them; empty
    where it can.
    """
    file = file.absolute()
    if not file.parent.is_dir():
        return f"there is no folder {file.parent}"
    if file.is_dir():
        return f"{file} is a folder"
    if file.suffix == ".md":
        return f"{file} is where the page goes: name the JSON file beside it"
    try:
        with TemporaryFile(dir=file.parent):
            return ""
    except OSError as error:
        return f"{file} cannot be written: {error.strerror}"


def write(certificates: Sequence[Certificate], file: Path, untried: Sequence[Untried] = ()) -> Path:
    """The JSON there, and the page beside it, under the same name with `.md`; which is returned."""
    document: Any = {"certificates": certificates, "not_tried": untried}
    if len(certificates) == 1 and not untried:
        document = certificates[0]
    file.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
    beside = file.with_suffix(".md")
    beside.write_text(page(certificates, untried), encoding="utf-8")
    return beside


def read(file: Path) -> tuple[Certificate, ...]:
    from .certificate import Certificate  # noqa: PLC0415 - what it is read as

    text = file.read_bytes()
    document = msgspec.json.decode(text)
    if "certificates" in document:
        return msgspec.convert(document["certificates"], tuple[Certificate, ...])
    return (msgspec.convert(document, Certificate),)


def in_short(certificate: Certificate) -> str:
    """The verdict, and for each clause that was not kept its meaning and what was seen."""
    adapter = certificate.adapter
    verdict = (
        f"{_word(certificate)}: {adapter.port} adapter {adapter.name}{_origin(certificate)}, "
        f"level {certificate.level}, seed {certificate.seed}: {_counted(certificate.clauses)}"
    )
    lines = [verdict]
    for first, *others in _alike(certificate.clauses):
        lines.append(f"  {first.id} is {first.outcome}: {first.title}. {first.meaning}")
        lines.append(f"    Seen: {_indented(first.seen)}")
        if others:
            ids = " ".join(each.id for each in others)
            lines.append(f"    {first.outcome.capitalize()} in the same way ({len(others)}): {ids}")
    told = {each.id for each in certificate.clauses}
    lines += [f"  {reason}" for reason in certificate.reasons if reason.partition(" ")[0] not in told]
    return "\n".join(lines)


def page(certificates: Sequence[Certificate], untried: Sequence[Untried] = ()) -> str:
    parts = ["# Certification of adapters of Agent Memory\n", _introduction()]
    if len(certificates) != 1 or untried:
        parts.append(_overview(certificates, untried))
    parts += [_certificate(each) for each in certificates]
    return "\n".join(parts)


def _introduction() -> str:
    outcomes = "\n".join(f"- **{name}**: {meaning}." for name, meaning in _OUTCOMES.items())
    return f"""\
Agent Memory keeps what AI agents learn. Each thing that it needs of the outside (a store, a lock, a cache, ...) is a
*port*: a list of promises. An *adapter* keeps them with one technology. Each promise is a *clause* with a fixed id, and
is tried by a program. An adapter is **certified** if every clause was tried and kept, leaving out only those about
abilities that it does not claim.

What can come of a clause:
{outcomes}
"""


def _overview(certificates: Sequence[Certificate], untried: Sequence[Untried]) -> str:
    rows = "\n".join(
        f"| {each.adapter.port} | {each.adapter.name} | {each.adapter.package} {each.adapter.version} "
        f"| **{_word(each)}** | {each.level} | {_counted(each.clauses)} | {each.circumstances.seconds:.0f} s |"
        for each in certificates
    )
    rows += "".join(
        f"\n| {each.port} | {each.name} | | **NOT CERTIFIED** | | could not be tried: {_cell(each.reason)} | |"
        for each in untried
    )
    good = sum(each.certified for each in certificates)
    return (
        f"## {good} of {len(certificates) + len(untried)} certified\n\n"
        "| port | adapter | package | verdict | level | clauses | took |\n|---|---|---|---|---|---|---|\n"
        f"{rows}\n"
    )


def _certificate(certificate: Certificate) -> str:
    adapter, contract, around = certificate.adapter, certificate.contract, certificate.circumstances
    packages = ", ".join(f"{name} {version}" for name, version in adapter.packages.items())
    facts = {
        "Verdict": f"**{_word(certificate)}**",
        "Adapter": f"{adapter.name}{_origin(certificate)}",
        "What it is": adapter.summary,
        "Port": _PORTS.get(adapter.port, adapter.port),
        "Contract": f"version {contract.version}, {contract.clauses} clauses, fingerprint `{contract.fingerprint}`",
        "How hard it was tried": f"level {certificate.level}, {LEVELS.index(certificate.level) + 1} of {len(LEVELS)}: "
        f"{_LEVELS[certificate.level]}",
        "Seed of what was random": f"{certificate.seed} (the same seed repeats the same sequences)",
        "It says that it can": _abilities(adapter.capabilities),
        "Its test bench can": _abilities(adapter.harness_capabilities),
        "Class that was tried": f"`{adapter.implementation}`" if adapter.implementation else "",
        "Class of its test bench": f"`{adapter.harness}`" if adapter.harness else "",
        "Versions": packages,
        "What took longest": _slowest(certificate.clauses),
        "Where and when": f"{around.python}, {around.platform}, {around.at}, {around.seconds:.0f} s",
    }
    table = "\n".join(f"| {name} | {_cell(value)} |" for name, value in facts.items() if value)
    reasons = "".join(f"- {_cell(reason)}\n" for reason in certificate.reasons)
    why = f"\n**Why it is not certified**\n\n{reasons}" if reasons else ""
    rows = "\n".join(_row(each) for each in certificate.clauses)
    return (
        f"## {adapter.port}: {adapter.name}\n\n| | |\n|---|---|\n{table}\n{why}\n"
        f"{_counted(certificate.clauses)}.\n\n"
        f"| clause | meaning | level | outcome | time |\n|---|---|---|---|---|\n{rows}\n"
    )


def _slowest(verdicts: Sequence[Verdict]) -> str:
    """With what their harness needed to begin and to end."""
    longest = sorted(verdicts, key=lambda each: -each.seconds)[:_LONGEST]
    return ", ".join(f"{each.id} {each.seconds:.1f} s" for each in longest if each.seconds >= _WORTH_TELLING)


def _row(verdict: Verdict) -> str:
    seen = f"<br>Seen: {verdict.seen}" if verdict.seen else ""
    outcome = verdict.outcome if verdict.outcome in {"kept", "not applicable"} else f"**{verdict.outcome}**"
    meaning = f"{verdict.title}. {verdict.meaning}"
    return f"| {verdict.id} | {_cell(meaning + seen)} | {verdict.level} | {outcome} | {verdict.seconds * 1000:.0f} ms |"


def _alike(verdicts: Sequence[Verdict]) -> list[list[Verdict]]:
    """Those that were not kept, together where the same was seen, wherever in the kit."""
    groups: dict[tuple[str, str], list[Verdict]] = {}
    for each in verdicts:
        if each.outcome not in {"kept", "not applicable"}:
            groups.setdefault((each.outcome, each.seen.partition("\n(at: ")[0]), []).append(each)
    return list(groups.values())


def _word(certificate: Certificate) -> str:
    return "CERTIFIED" if certificate.certified else "NOT CERTIFIED"


def _origin(certificate: Certificate) -> str:
    adapter = certificate.adapter
    return f" of {adapter.package} {adapter.version}" if adapter.package else ""


def _counted(verdicts: Sequence[Verdict]) -> str:
    counts = {name: sum(each.outcome == name for each in verdicts) for name in _OUTCOMES}
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "no clause was tried"


def _abilities(capabilities: dict[str, Any]) -> str:
    words = {True: "yes", False: "no"}
    return ", ".join(
        f"{name} {words[value] if isinstance(value, bool) else value}"
        for name, value in capabilities.items()
        if name != "name" and value is not None
    )


def _indented(text: str) -> str:
    return "\n    ".join(line.rstrip() for line in text.splitlines() if line.strip())


def _cell(text: str) -> str:
    """One cell of a table, whatever it holds."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", "<br>")
