"""`docs/saboteurs.md` says of each clause of each port what was made for it, and nothing that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent_memory.ports.adapter import CONTRACTS
from agent_memory_contract.clauses import clauses_of, contract_class

from .saboteurs.storage_table import SABOTEURS
from .test_small_saboteurs import PORTS, saboteurs_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "saboteurs.md"
ROW = re.compile(r"^\| (\w+-\d+) \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE)


def made_for() -> dict[str, set[str]]:
    """By clause, the saboteurs whose tests show that it catches them."""
    found: dict[str, set[str]] = {}
    for clause, kind in [*SABOTEURS, *(pair for port in PORTS for pair in saboteurs_of(port))]:
        found.setdefault(clause, set()).add(kind.__name__)
    return found


def test_each_clause_has_its_row_and_what_was_made_for_it() -> None:
    told = {clause: set(named.split(", ")) for clause, named, _ in ROW.findall(PAGE.read_text())}
    assert told == made_for(), "write it again: benchmarks/saboteurs.py"


@pytest.mark.parametrize("port", sorted(CONTRACTS))
def test_each_clause_that_a_certificate_names_has_a_saboteur(port: str) -> None:
    clauses = {clause.id for clause in clauses_of(contract_class(port))}
    assert clauses <= made_for().keys(), "a clause that nothing is shown to fail"
