"""What a run of pytest shows of contract classes, gathered into certificates. Works across the processes of a run."""

from __future__ import annotations

import platform
import re
import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import pytest

from agent_memory import __version__
from agent_memory.ports.adapter import CONTRACTS
from agent_memory.ports.errors import Misconfigured

from .certificate import Attempt, Certificate, Circumstances, Tried, judge
from .clauses import CONTRACT_CLASSES, Clause, clauses_of, contract_class, is_of_the_kit
from .declaration import Declaration
from .selection import Selected, select, versions_of

if TYPE_CHECKING:
    from .suite import Level

_PROPERTY = "agent_memory_contract"
_OWN = {"harness", "pytestmark", "declared"}
"""What a class that tries an adapter gives; everything else is the contract's."""
_LONGEST = 2_000
_IN_MEMORY = re.compile(r" \+ +(where|and) .*<.* at 0x[0-9a-f]+>")
_WATCHERS = {"blocking", "bounding"}
"""Modules of the kit that end a clause from outside of it."""


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """What a test class takes over from the kit: by method, the clauses."""

    port: str
    parts: tuple[type, ...]
    clauses: dict[str, Clause]


class Note(msgspec.Struct, kw_only=True):
    """One phase of one clause's run, in a form that travels between processes."""

    kind: str
    port: str
    declares: bool
    adapter: str
    clause: str
    overridden: bool
    overrides: list[str]
    undeclared: str = ""
    seen: str = ""
    harness: str = ""
    harness_capabilities: dict[str, Any] = {}


@cache
def contract_of(kind: type | None) -> Contract | None:
    """None for a class that is no subclass of a contract."""
    if kind is None:
        return None
    for port in CONTRACT_CLASSES:
        contract = contract_class(port)
        if issubclass(kind, contract):
            parts = (Declaration, contract) if issubclass(kind, Declaration) else (contract,)
            clauses = {clause.name: clause for clause in clauses_of(*parts)}
            return Contract(port=port, parts=parts, clauses=clauses)
    return None


def overrides_of(kind: type, contract: Contract) -> list[str]:
    """Names that the class, or one between it and the kit, has put in the place of the kit's; clauses are seen when
    they run.
    """
    theirs = {
        name for part in contract.parts for each in part.__mro__ if is_of_the_kit(each) for name in vars(each)
    }
    return sorted(
        {
            name
            for each in kind.__mro__
            if each is not object and not is_of_the_kit(each)
            for name in vars(each)
            if name in theirs
            and name not in _OWN
            and name not in contract.clauses
            and not name.startswith("__")
        }
    )


class Recording:
    """`selected` is None where classes of someone else's are run."""

    def __init__(self, selected: Selected | None, *, level: Level, seed: int) -> None:
        self._selected = selected
        self._level: Level = level
        self._seed = seed
        self._began = time.monotonic()
        self._at = datetime.now(UTC).isoformat(timespec="seconds")
        self._notes: dict[str, list[tuple[Note, pytest.TestReport]]] = {}
        self._implementations: dict[str, str] = {}

    def note(self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
        """In the process that runs the clause: what only that process can see."""
        kind: type | None = getattr(item, "cls", None)
        contract = contract_of(kind)
        name = getattr(item, "originalname", None) or item.name
        if kind is None or contract is None or name not in contract.clauses:
            return
        harness: object = getattr(item, "funcargs", {}).get("harness")
        able = getattr(harness, "capabilities", None)
        note = Note(
            kind=f"{kind.__module__}.{kind.__qualname__}",
            port=contract.port,
            declares=Declaration in contract.parts,
            adapter=str(getattr(kind, "adapter", "")),
            clause=name,
            overridden=not _is_the_clause(item, contract.clauses[name]),
            overrides=overrides_of(kind, contract),
            undeclared=_undeclared(call),
            seen=_seen(call, report),
            harness="" if harness is None else _name(type(harness)),
            harness_capabilities=msgspec.structs.asdict(able) if isinstance(able, msgspec.Struct) else {},
        )
        report.user_properties.append((_PROPERTY, msgspec.to_builtins(note)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """In the process that leads the run, for each phase of each clause."""
        told = dict(report.user_properties)
        if _PROPERTY not in told:
            return
        note = msgspec.convert(told[_PROPERTY], Note)
        self._notes.setdefault(note.kind, []).append((note, report))
        if "implementation" in told:
            self._implementations[note.kind] = str(told["implementation"])

    def certificates(self) -> tuple[Certificate, ...]:
        """One a class, in the order in which they ran. One that names a registered adapter owes what its descriptor
        says. Without a clause that ran there is none, and then one is owed
        for the adapter that was to be tried.
        """
        if not self._notes and self._selected is not None:
            port = self._selected.registered.port
            return (self._judged(port, (Declaration, contract_class(port)), [], []),)
        found: list[Certificate] = []
        for noted in self._notes.values():
            first = noted[0][0]
            parts = (contract_class(first.port),)
            declares = first.declares or _named(first.port, [first]) is not None
            found.append(
                self._judged(
                    first.port,
                    (Declaration, *parts) if declares else parts,
                    [note for note, _ in noted],
                    [_attempt(note, report) for note, report in noted],
                )
            )
        return tuple(found)

    def _judged(
        self, port: str, parts: tuple[type, ...], notes: list[Note], attempts: list[Attempt]
    ) -> Certificate:
        return judge(
            clauses=clauses_of(*parts),
            attempts=attempts,
            adapter=self._tried(port, notes),
            contract_version=CONTRACTS[port],
            level=self._level,
            seed=self._seed,
            circumstances=Circumstances(
                kit=__version__,
                python=f"{platform.python_implementation()} {platform.python_version()}",
                platform=platform.platform(),
                at=self._at,
                seconds=round(time.monotonic() - self._began, 1),
            ),
        )

    def _tried(self, port: str, notes: list[Note]) -> Tried:
        shown = next((note for note in notes if note.harness), None)
        tried = Tried(
            port=port,
            name=notes[0].kind if notes else "",
            packages=versions_of("agent-memory"),
            harness=shown.harness if shown else "",
            harness_capabilities=shown.harness_capabilities if shown else {},
            implementation=self._implementations.get(notes[0].kind, "") if notes else "",
            overrides=tuple(notes[0].overrides) if notes else (),
        )
        selected = self._selected or _named(port, notes)
        if selected is None:
            return tried
        one, adapter = selected.registered, selected.adapter
        return msgspec.structs.replace(
            tried,
            name=one.name,
            package=one.package,
            version=one.version,
            summary=adapter.summary,
            capabilities={} if adapter.capabilities is None else msgspec.structs.asdict(adapter.capabilities),
            packages=versions_of(one.package),
        )


def _named(port: str, notes: list[Note]) -> Selected | None:
    """A class may say which registered adapter it tries: `adapter = "acme"`."""
    name = notes[0].adapter if notes else ""
    try:
        return select(name, port=port) if name else None
    except Misconfigured:
        return None


def _attempt(note: Note, report: pytest.TestReport) -> Attempt:
    seen = note.seen
    if hasattr(report, "wasxfail"):
        seen = str(getattr(report, "wasxfail", "")) or "marked as expected to fail"
    return Attempt(
        clause=note.clause,
        outcome=_outcome(report),
        undeclared=note.undeclared,
        overridden=note.overridden,
        seen=seen,
        seconds=report.duration,
    )


def _outcome(report: pytest.TestReport) -> Literal["passed", "failed", "skipped", "excused", "prepared"]:
    if hasattr(report, "wasxfail"):
        return "excused"
    if report.skipped:
        return "skipped"
    if report.failed:
        return "failed"
    return "passed" if report.when == "call" else "prepared"


def _is_the_clause(item: pytest.Item, clause: Clause) -> bool:
    """Whether what runs is the kit's own method."""
    method: Any = getattr(item, "obj", None)
    function = getattr(method, "__func__", method)
    code = getattr(function, "__code__", None)
    if code is None:
        return False
    same_place = str(Path(code.co_filename).resolve()) == clause.file
    return same_place and function.__qualname__ == f"{clause.owner}.{clause.name}"


def _undeclared(call: pytest.CallInfo[None]) -> str:
    error = None if call.excinfo is None else call.excinfo.value
    return str(getattr(error, "capability", "")) if isinstance(error, pytest.skip.Exception) else ""


def _seen(call: pytest.CallInfo[None], report: pytest.TestReport) -> str:
    """What stood in the way: the error, and the line of the kit that met it."""
    if call.excinfo is None:
        return ""
    error = call.excinfo.value
    text = _told(str(getattr(error, "msg", None) or call.excinfo.exconly()))[:_LONGEST]
    if report.skipped:
        return text
    kit = Path(__file__).resolve().parent
    lines = [
        entry
        for entry in call.excinfo.traceback
        if kit in Path(entry.path).resolve().parents and Path(entry.path).stem not in _WATCHERS
    ]
    at = f"\n(at: {str(lines[-1].statement).strip()})" if lines else ""
    return f"{'' if report.when == 'call' else f'in {report.when}: '}{text}{at}"


def _told(text: str) -> str:
    """Where the clause says in words what is wrong, without pytest's account of the expression; with the schedule.
    Elsewhere that account, less the lines that tell only where something lies in memory.
    """
    words, cut, rest = text.partition("\nassert ")
    if not cut or words.startswith("AssertionError: assert "):
        return "\n".join(line for line in text.splitlines() if not _IN_MEMORY.match(line))
    _, found, schedule = rest.partition("\nFailing test case:")
    return f"{words}{found}{schedule}"


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
