"""The list of clauses, read from the kit's source."""

from __future__ import annotations

import inspect

import pytest

from agent_memory.ports.adapter import CONTRACTS, DESCRIPTORS, GROUPS
from agent_memory_contract.clauses import CONTRACT_CLASSES, clauses_of, contract_class, fingerprint, up_to
from agent_memory_contract.lock_contract import LockContract
from agent_memory_contract.suite import LEVEL_MARK, LEVELS

PORTS = sorted(CONTRACTS)


def test_each_port_has_a_group_a_descriptor_and_a_contract() -> None:
    assert set(GROUPS) == set(DESCRIPTORS) == set(CONTRACT_CLASSES) == set(CONTRACTS)


@pytest.mark.parametrize("port", PORTS)
def test_the_list_is_what_pytest_would_collect(port: str) -> None:
    contract = contract_class(port)
    clauses = clauses_of(contract)
    assert {clause.name for clause in clauses} == {name for name in dir(contract) if name.startswith("test_")}
    assert len({clause.id for clause in clauses}) == len(clauses)


@pytest.mark.parametrize("port", PORTS)
def test_each_clause_has_a_meaning_and_the_level_it_is_marked_with(port: str) -> None:
    contract = contract_class(port)
    for clause in clauses_of(contract):
        method = getattr(contract, clause.name)
        assert clause.meaning == " ".join((inspect.getdoc(method) or "").split()) != ""
        assert clause.level == getattr(method, LEVEL_MARK, "plain")


@pytest.mark.parametrize("port", PORTS)
def test_each_level_asks_for_more_than_the_one_before(port: str) -> None:
    clauses = clauses_of(contract_class(port))
    counts = [len(up_to(level, clauses)) for level in LEVELS]
    assert 0 < counts[0] < counts[1] < counts[2] == len(clauses)


def test_a_class_that_was_changed_has_the_same_list(monkeypatch: pytest.MonkeyPatch) -> None:
    before = clauses_of(LockContract)
    for name in [clause.name for clause in before]:
        monkeypatch.setattr(LockContract, name, None)
    after = clauses_of(LockContract)
    assert after == before
    assert fingerprint(after) == fingerprint(before)


def test_a_subclass_of_someone_elses_adds_nothing() -> None:
    class TestTheirs(LockContract):
        async def test_lock_99_is_easy(self) -> None: ...

    assert clauses_of(TestTheirs) == clauses_of(LockContract)
