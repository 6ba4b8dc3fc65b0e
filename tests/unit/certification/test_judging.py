"""What makes an adapter certified, and each way not to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent_memory_contract.certificate import Attempt, Certificate, Circumstances, Tried, judge
from agent_memory_contract.clauses import Clause

if TYPE_CHECKING:
    from agent_memory_contract.suite import Level

AROUND = Circumstances(
    kit="1", python="CPython", platform="Linux", at="2026-01-01T00:00:00+00:00", seconds=1.0
)
ADAPTER = Tried(
    port="lock",
    name="acme",
    package="acme-memory",
    version="2.0",
    capabilities={"name": "acme", "durable": False, "shared": "process"},
    harness_capabilities={"second_client": True, "sever": False, "durable": False},
)


def clause(number: int, level: Level = "plain") -> Clause:
    return Clause(
        id=f"LOCK-{number:02}",
        title=f"Promise {number}",
        meaning="As said.",
        level=level,
        name=f"test_lock_{number:02}_promise",
        owner="LockContract",
        file="/kit/lock.py",
    )


CLAUSES = (clause(1), clause(2), clause(3, "concurrent"), clause(4, "faulty"))


def passed(*clauses: Clause) -> list[Attempt]:
    return [Attempt(clause=each.name, outcome="passed", seconds=0.5) for each in clauses]


def attempt(number: int, outcome: Any, **fields: Any) -> Attempt:
    return Attempt(clause=CLAUSES[number - 1].name, outcome=outcome, **fields)


def judged(*attempts: Attempt, adapter: Tried = ADAPTER, level: Level = "faulty") -> Certificate:
    return judge(
        clauses=CLAUSES,
        attempts=attempts,
        adapter=adapter,
        contract_version=1,
        level=level,
        seed=7,
        circumstances=AROUND,
    )


def outcome(certificate: Certificate, number: int) -> str:
    return next(each.outcome for each in certificate.clauses if each.id == f"LOCK-{number:02}")


def test_all_kept_is_certified() -> None:
    certificate = judged(*passed(*CLAUSES))
    assert certificate.certified
    assert certificate.reasons == ()
    assert [each.outcome for each in certificate.clauses] == ["kept"] * 4
    assert [each.seconds for each in certificate.clauses] == [0.5] * 4
    assert (certificate.level, certificate.seed, certificate.contract.clauses) == ("faulty", 7, 4)


@pytest.mark.parametrize(("level", "asked"), [("plain", 2), ("concurrent", 3), ("faulty", 4)])
def test_a_level_asks_for_its_clauses_and_those_below(level: Level, asked: int) -> None:
    certificate = judged(*passed(*CLAUSES[:asked]), level=level)
    assert certificate.certified
    assert len(certificate.clauses) == asked
    assert certificate.level == level
    assert not judged(*passed(*CLAUSES[: asked - 1]), level=level).certified


def test_a_failure_names_the_clause_its_meaning_and_what_was_seen() -> None:
    certificate = judged(*passed(*CLAUSES[1:]), attempt(1, "failed", seen="assert 1 ==\n  2"))
    assert not certificate.certified
    assert certificate.reasons == ("LOCK-01 is broken: Promise 1. Seen: assert 1 == 2",)


def test_one_failure_of_several_runs_is_a_failure() -> None:
    certificate = judged(*passed(*CLAUSES), attempt(2, "failed"), *passed(*CLAUSES))
    assert outcome(certificate, 2) == "broken"
    assert not certificate.certified


def test_a_clause_that_was_not_run_is_missed() -> None:
    certificate = judged(*passed(*CLAUSES[:3]))
    assert outcome(certificate, 4) == "not tried"
    assert not certificate.certified


def test_what_comes_before_and_after_a_clause_takes_time_and_shows_nothing() -> None:
    around = [attempt(number, "prepared", seconds=1.0) for number in (1, 2, 2, 4)]
    certificate = judged(*around, *passed(*CLAUSES[:3]))
    assert [each.outcome for each in certificate.clauses] == ["kept", "kept", "kept", "not tried"]
    assert [each.seconds for each in certificate.clauses] == [1.5, 2.5, 0.5, 1.0]
    assert not certificate.certified


def test_an_expected_failure_is_no_promise_kept() -> None:
    certificate = judged(*passed(*CLAUSES[1:]), attempt(1, "excused", seen="not yet"))
    assert outcome(certificate, 1) == "excused"
    assert not certificate.certified


def test_what_was_run_in_place_of_a_clause_is_not_the_clause() -> None:
    certificate = judged(*passed(*CLAUSES[1:]), attempt(1, "passed", overridden=True))
    assert outcome(certificate, 1) == "overridden"
    assert not certificate.certified


def test_an_override_of_what_clauses_use_is_told() -> None:
    certificate = judged(
        *passed(*CLAUSES), adapter=msgspec.structs.replace(ADAPTER, overrides=("anyio_backend",))
    )
    assert not certificate.certified
    assert "anyio_backend" in certificate.reasons[0]


def test_a_clause_about_what_is_not_claimed_does_not_apply() -> None:
    certificate = judged(*passed(*CLAUSES[:3]), attempt(4, "skipped", undeclared="sever"))
    assert outcome(certificate, 4) == "not applicable"
    assert certificate.certified


def test_any_other_skip_is_a_clause_not_tried() -> None:
    certificate = judged(*passed(*CLAUSES[:3]), attempt(4, "skipped", seen="no server here"))
    assert outcome(certificate, 4) == "not tried"
    assert not certificate.certified
    assert "no server here" in certificate.reasons[0]


@pytest.mark.parametrize(
    ("said", "capability"),
    [
        ({"durable": True}, "durable"),
        ({"shared": "host"}, "second_client"),
        ({"shared": "network"}, "second_client"),
        ({"shared": "network"}, "sever"),
        ({"place": "network"}, "sever"),
        ({"marks": True}, "marks"),
        ({"backups": True}, "backups"),
    ],
)
def test_what_the_adapter_claims_its_harness_must_show(said: dict[str, Any], capability: str) -> None:
    adapter = msgspec.structs.replace(ADAPTER, capabilities=said, harness_capabilities={})
    certificate = judged(*passed(*CLAUSES[:3]), attempt(4, "skipped", undeclared=capability), adapter=adapter)
    assert outcome(certificate, 4) == "not tried"
    assert not certificate.certified
    assert capability in certificate.reasons[0]


def test_a_harness_that_claims_it_may_not_skip_it() -> None:
    adapter = msgspec.structs.replace(ADAPTER, capabilities={}, harness_capabilities={"sever": True})
    certificate = judged(*passed(*CLAUSES[:3]), attempt(4, "skipped", undeclared="sever"), adapter=adapter)
    assert not certificate.certified


def test_nothing_kept_is_not_certified_though_nothing_failed() -> None:
    certificate = judged(*(attempt(number, "skipped", undeclared="sever") for number in range(1, 5)))
    assert [each.outcome for each in certificate.clauses] == ["not applicable"] * 4
    assert not certificate.certified


def test_the_fingerprint_changes_with_the_clauses() -> None:
    others = (*CLAUSES[:3], msgspec.structs.replace(CLAUSES[3], meaning="Otherwise."))
    again = judge(
        clauses=others,
        attempts=passed(*others),
        adapter=ADAPTER,
        contract_version=1,
        level="faulty",
        seed=0,
        circumstances=AROUND,
    )
    assert again.contract.fingerprint != judged(*passed(*CLAUSES)).contract.fingerprint
