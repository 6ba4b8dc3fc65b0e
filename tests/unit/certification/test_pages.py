"""What is written of certificates: read back the same, and legible whatever they hold."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec

from agent_memory_contract.certificate import Certificate, Circumstances, Contract, Tried, Verdict
from agent_memory_contract.pages import Untried, certified, in_short, page, read, write

if TYPE_CHECKING:
    from pathlib import Path

GOOD = Certificate(
    certified=True,
    reasons=(),
    level="faulty",
    seed=3,
    adapter=Tried(
        port="lock",
        name="acme",
        package="acme-memory",
        version="2.0",
        summary="a lock",
        capabilities={"name": "acme", "durable": True, "shared": "host", "max": None},
        packages={"acme-memory": "2.0", "pytest": "9.0"},
    ),
    contract=Contract(port="lock", version=1, clauses=2, fingerprint="0123456789abcdef"),
    circumstances=Circumstances(
        kit="1", python="CPython 3.12", platform="Linux", at="2026-01-01", seconds=2.4
    ),
    clauses=(
        Verdict(
            id="LOCK-01", title="Grants", meaning="It does.", level="plain", outcome="kept", seconds=0.01
        ),
        Verdict(
            id="LOCK-02",
            title="Restarts",
            meaning="It can.",
            level="faulty",
            outcome="not applicable",
            seconds=0,
            seen="needs sever, which is not claimed",
        ),
    ),
)
BAD = msgspec.structs.replace(
    GOOD,
    certified=False,
    reasons=("LOCK-01 is broken: Grants. Seen: 1 | 2", "seed of the contract class is overridden"),
    clauses=(
        msgspec.structs.replace(GOOD.clauses[0], outcome="broken", seen="assert a | b\n\nwhere a = 'x\\y'"),
        GOOD.clauses[1],
    ),
)


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    for certificates in ((GOOD,), (GOOD, BAD)):
        file = tmp_path / "certificate.json"
        assert write(certificates, file) == tmp_path / "certificate.md"
        assert read(file) == certificates


def test_one_is_a_document_of_its_own(tmp_path: Path) -> None:
    write((GOOD,), tmp_path / "c.json")
    document = json.loads((tmp_path / "c.json").read_text())
    assert document["certified"] is True
    assert document["adapter"]["name"] == "acme"
    assert document["clauses"][0]["id"] == "LOCK-01"


def test_all_must_be_certified_and_some_there() -> None:
    assert certified((GOOD, GOOD))
    assert not certified((GOOD, BAD))
    assert not certified(())


def test_in_short_it_says_what_was_promised_and_what_was_seen() -> None:
    assert in_short(GOOD) == (
        "CERTIFIED: lock adapter acme of acme-memory 2.0, level faulty, seed 3: 1 kept, 1 not applicable"
    )
    assert in_short(BAD).splitlines() == [
        "NOT CERTIFIED: lock adapter acme of acme-memory 2.0, level faulty, seed 3: 1 broken, 1 not applicable",
        "  LOCK-01 is broken: Grants. It does.",
        "    Seen: assert a | b",
        "    where a = 'x\\y'",
        "  seed of the contract class is overridden",
    ]


def test_in_short_it_says_once_what_broke_many() -> None:
    """A constructor that fails breaks every clause: that is one thing to read."""
    broken = [
        msgspec.structs.replace(
            GOOD.clauses[0], id=f"LOCK-0{number}", outcome="broken", seen=f"{what}\n(at: line {number})"
        )
        for number, what in enumerate(["no licence", "no licence", "it hangs", "no licence"], start=1)
    ]
    told = in_short(msgspec.structs.replace(BAD, clauses=tuple(broken), reasons=()))
    assert told.splitlines()[1:] == [
        "  LOCK-01 is broken: Grants. It does.",
        "    Seen: no licence",
        "    (at: line 1)",
        "    Broken in the same way (2): LOCK-02 LOCK-04",
        "  LOCK-03 is broken: Grants. It does.",
        "    Seen: it hangs",
        "    (at: line 3)",
    ]


def test_a_page_says_all_that_a_stranger_needs() -> None:
    said = page((GOOD,))
    for part in (
        "**CERTIFIED**",
        "acme of acme-memory 2.0",
        "version 1, 2 clauses",
        "durable yes, shared host",
        "pytest 9.0",
    ):
        assert part in said
    assert "| LOCK-01 | Grants. It does. | plain | kept | 10 ms |" in said
    assert "needs sever, which is not claimed" in said
    assert "max" not in said


def test_a_page_says_what_took_longest() -> None:
    """And nothing of what took no time worth telling."""
    slow = [msgspec.structs.replace(GOOD.clauses[0], id=f"LOCK-1{n}", seconds=n / 2) for n in range(8)]
    said = page((msgspec.structs.replace(GOOD, clauses=(*slow, *GOOD.clauses)),))
    assert (
        "| What took longest | LOCK-17 3.5 s, LOCK-16 3.0 s, LOCK-15 2.5 s, LOCK-14 2.0 s, LOCK-13 1.5 s |"
        in said
    )
    assert "What took longest" not in page((GOOD,))


def test_no_text_breaks_its_table() -> None:
    said = page((BAD,))
    assert (
        "| LOCK-01 | Grants. It does.<br>Seen: assert a \\| b<br><br>where a = 'x\\\\y' | plain | **broken** |"
        in said
    )
    assert "- LOCK-01 is broken: Grants. Seen: 1 \\| 2" in said


def test_an_overview_counts_those_that_could_not_be_tried() -> None:
    said = page((GOOD, BAD), (Untried(port="cache", name="far", reason="needs redis"),))
    assert "## 1 of 3 certified" in said
    assert "| cache | far | | **NOT CERTIFIED** | | could not be tried: needs redis | |" in said
