from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_memory.adapters.inprocess.durations import seconds_until
from agent_memory.adapters.inprocess.sliding_log import SlidingLogs
from agent_memory.ports.errors import Rejected
from agent_memory.ports.rate_limiter import Window
from agent_memory.ports.windows import UNLIMITED

WINDOWS = st.lists(
    st.builds(
        Window,
        key=st.sampled_from(["ada", "bob"]),
        limit=st.integers(1, 4),
        period=st.sampled_from([1.0, 2.5, 10.0]),
    ),
    max_size=3,
)
PAUSES = st.one_of(st.sampled_from([0.0, 0.25, 1.0, 2.5, 10.0]), st.floats(0, 1))
HITS = st.lists(st.tuples(PAUSES, st.integers(1, 3), WINDOWS), min_size=5, max_size=50)
NOW = st.floats(0, 1e7)


class BruteForce:
    """Every hit ever admitted, counted afresh for every question."""

    def __init__(self) -> None:
        self.admitted: list[tuple[float, int, frozenset[tuple[str, float]]]] = []

    def used(self, window: Window, now: float) -> int:
        counter = (window.key, window.period)
        return sum(cost for due, cost in self.dues(counter) if due > now)

    def dues(self, counter: tuple[str, float]) -> list[tuple[float, int]]:
        return [(at + counter[1], cost) for at, cost, counters in self.admitted if counter in counters]

    def allows(self, windows: list[Window], cost: int, now: float) -> bool:
        return all(self.used(window, now) + cost <= window.limit for window in windows)

    def first_moment(self, windows: list[Window], cost: int, now: float) -> float:
        """Room appears only when something falls due."""
        moments = sorted({due for w in windows for due, _ in self.dues((w.key, w.period)) if due > now})
        return next(moment for moment in moments if self.allows(windows, cost, moment))

    def admit(self, windows: list[Window], cost: int, now: float) -> None:
        self.admitted.append((now, cost, frozenset((w.key, w.period) for w in windows)))


@settings(deadline=None)
@given(hits=HITS)
def test_it_decides_as_brute_force_does(hits: list[tuple[float, int, list[Window]]]) -> None:
    logs = SlidingLogs()
    model = BruteForce()
    now = 0.0
    for pause, wish, windows in hits:
        now += pause
        cost = min([wish, *(w.limit for w in windows)])
        peeked = logs.decide(windows, cost, now, consume=False)
        decision = logs.decide(windows, cost, now, consume=True)
        assert peeked == decision
        assert decision.allowed == model.allows(windows, cost, now)
        if decision.allowed:
            model.admit(windows, cost, now)
        else:
            moment = model.first_moment(windows, cost, now)
            assert now + decision.retry_after == pytest.approx(moment, abs=1e-9)
            assert now + decision.retry_after >= moment
        rooms = [w.limit - model.used(w, now) for w in windows]
        assert decision.remaining == max(0, min(rooms, default=UNLIMITED))


@settings(deadline=None)
@given(hits=HITS)
def test_the_same_call_is_allowed_after_exactly_retry_after(
    hits: list[tuple[float, int, list[Window]]],
) -> None:
    logs = SlidingLogs()
    now = 1e6 / 3
    for pause, wish, windows in hits:
        now += pause
        cost = min([wish, *(w.limit for w in windows)])
        decision = logs.decide(windows, cost, now, consume=True)
        if not decision.allowed:
            now += decision.retry_after
            assert logs.decide(windows, cost, now, consume=True).allowed


@given(due=NOW, now=NOW)
def test_waiting_until_a_moment_reaches_it(due: float, now: float) -> None:
    seconds = seconds_until(due, now)
    assert seconds >= 0
    assert now + seconds >= due
    assert seconds <= max(0.0, due - now) + 1e-8


def test_room_comes_back_in_the_instant_in_which_a_hit_is_a_period_old() -> None:
    logs = SlidingLogs()
    windows = [Window("ada", 1, 10.0)]
    assert [logs.decide(windows, 1, now, consume=True).allowed for now in (0.0, 9.999, 10.0)] == [
        True,
        False,
        True,
    ]


def test_waiting_is_rounded_up_where_floats_would_fall_short() -> None:
    due, now = math.nextafter(96.0, math.inf), math.ulp(96.0) / 2
    assert now + (due - now) < due
    assert now + seconds_until(due, now) >= due


def test_the_key_of_the_longest_wait_is_named() -> None:
    logs = SlidingLogs()
    windows = [Window("burst", 1, 1.0), Window("agent", 1, 60.0), Window("all", 5, 600.0)]
    assert logs.decide(windows, 1, 0.0, consume=True).allowed
    decision = logs.decide(windows, 1, 0.5, consume=True)
    assert (decision.refused_by, decision.retry_after) == ("agent", 59.5)


def test_the_same_key_under_two_limits_is_counted_once() -> None:
    logs = SlidingLogs()
    windows = [Window("ada", 4, 1.0), Window("ada", 2, 1.0)]
    assert [logs.decide(windows, 1, 0.0, consume=True).remaining for _ in range(2)] == [1, 0]
    assert not logs.decide(windows, 1, 0.0, consume=True).allowed


def test_a_lowered_limit_holds_for_what_was_admitted_before() -> None:
    logs = SlidingLogs()
    for at in range(5):
        logs.decide([Window("ada", 5, 10.0)], 1, float(at), consume=True)
    decision = logs.decide([Window("ada", 2, 10.0)], 1, 5.0, consume=True)
    assert (decision.allowed, decision.remaining, decision.retry_after) == (False, 0, 8.0)


def test_a_period_too_short_for_the_clock_to_tell_limits_nothing() -> None:
    logs = SlidingLogs()
    for _ in range(3):
        assert logs.decide([Window("ada", 1, 1e-12)], 1, 1e9, consume=True).allowed


def test_keys_that_fell_idle_are_forgotten_while_others_stay_busy() -> None:
    logs = SlidingLogs()
    logs.decide([Window("busy", 1_000, 1.0)], 1, 0.0, consume=True)
    for n in range(1_000):
        logs.decide([Window("busy", 1_000, 1.0)], 1, n / 100, consume=True)
        logs.decide([Window(f"agent-{n}", 5, 1.0)], 1, n / 100, consume=True)
    assert len(logs) == 101


def test_questions_and_refusals_are_not_remembered() -> None:
    logs = SlidingLogs()
    logs.decide([Window("ada", 1, 1.0)], 1, 0.0, consume=True)
    for n in range(10):
        windows = [Window(f"agent-{n}", 5, 1.0), Window("ada", 1, 1.0)]
        logs.decide(windows, 1, 0.5, consume=True)
        logs.decide(windows[:1], 1, 0.5, consume=False)
    assert len(logs) == 1


@pytest.mark.parametrize(
    ("windows", "cost", "field"),
    [
        ([Window("ada", 0, 1.0)], 1, "limit"),
        ([Window("ada", 5, 0.0)], 1, "period"),
        ([Window("ada", 5, float("nan"))], 1, "period"),
        ([Window("ada", 5, 1.0)], 0, "cost"),
        ([Window("ada", 5, 1.0)], 6, "cost"),
        ([], 0, "cost"),
        ([Window("ada", 5, 1.0), Window("bob", 2, 1.0)], 3, "cost"),
    ],
)
def test_what_cannot_be_decided_is_rejected_and_consumes_nothing(
    windows: list[Window], cost: int, field: str
) -> None:
    logs = SlidingLogs()
    with pytest.raises(Rejected) as caught:
        logs.decide(windows, cost, 0.0, consume=True)
    assert caught.value.field == field
    assert len(logs) == 0
