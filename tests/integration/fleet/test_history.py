"""The checks of a fleet's history find what they are for."""

from __future__ import annotations

from .history import (
    Call,
    Hold,
    Look,
    Outage,
    Read,
    Write,
    broken_exclusions,
    stale_reads,
    too_many,
    undocumented_errors,
    untrue_looks,
)


def hold(began: float, ended: float, token: int, path: str = "a") -> Hold:
    return Hold(path=path, agent="x", token=token, began=began, ended=ended)


def call(sent: float, received: float, error: str = "") -> Call:
    return Call(server=0, agent="x", tool="memory_get", sent=sent, received=received, error=error)


def look(at: float, *, connected: bool, status: str | None = None) -> Look:
    return Look(
        server=0, sent=at, received=at + 0.1, connected=connected,
        status=status or ("healthy" if connected else "degraded"),
    )  # fmt: skip


def test_holds_one_after_the_other_with_growing_tokens_are_right() -> None:
    assert broken_exclusions([hold(0, 1, 5), hold(1, 2, 9), hold(0.5, 1.5, 6, "b")]) == []


def test_two_holders_at_once_are_found() -> None:
    assert len(broken_exclusions([hold(0, 1, 5), hold(0.9, 2, 9)])) == 1


def test_a_token_that_does_not_grow_is_found() -> None:
    assert len(broken_exclusions([hold(0, 1, 5), hold(2, 3, 5)])) == 1


def test_a_call_more_than_the_limit_within_a_period_is_found() -> None:
    calls = [call(t, t + 0.1) for t in range(4)]
    assert too_many(calls, 4, 10) is None
    assert too_many(calls, 3, 10) == (0, 4)
    assert too_many(calls, 3, 3) is None
    assert too_many([*calls[:3], call(3, 3.1, "rate_limited")], 3, 10) is None


def test_an_error_that_nobody_documented_is_found() -> None:
    assert [
        c.error for c in undocumented_errors([call(0, 1, "conflict"), call(0, 1, "error"), call(0, 1)])
    ] == ["error"]


def test_a_read_behind_an_acknowledged_write_is_found() -> None:
    writes = [Write(entry="e", version=2, server=0, at=1.0)]

    def read(server: int, sent: float, version: int) -> Read:
        return Read(entry="e", version=version, server=server, sent=sent)

    assert stale_reads(writes, [read(1, 1.5, 1), read(1, 2.5, 2), read(0, 1.1, 2)], 1.0) == []
    assert stale_reads(writes, [read(1, 2.5, 1)], 1.0) == [(read(1, 2.5, 1), 2)]
    assert stale_reads(writes, [read(0, 1.1, 1)], 1.0) == [(read(0, 1.1, 1), 2)]


def test_health_that_does_not_tell_the_truth_is_found() -> None:
    outages = [Outage(began=10, ended=20)]
    right = [
        look(5, connected=True), look(10.5, connected=True), look(15, connected=False),
        look(21, connected=False), look(30, connected=True),
    ]  # fmt: skip
    assert untrue_looks(right, outages, notice=2, heal=5) == []
    for wrong in (
        look(5, connected=False),
        look(15, connected=True),
        look(15, connected=False, status="healthy"),
        look(30, connected=False),
    ):
        assert untrue_looks([wrong], outages, notice=2, heal=5) == [wrong]
