"""When a job is tried again, and what is said of one that failed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent_memory.core.work.kinds import Backoff, reason_of
from agent_memory.ports.errors import Unavailable

SECONDS = st.floats(0.01, 1e6)
CHANCE = st.floats(0.0, 1.0)


@given(first=SECONDS, most=SECONDS, attempt=st.integers(1, 10**9), chance=CHANCE)
def test_a_delay_lies_between_half_and_all_of_what_the_attempt_has_earned(
    first: float, most: float, attempt: int, chance: float
) -> None:
    longest = min(most, first * 2.0 ** min(attempt - 1, 60))
    assert longest / 2 <= Backoff(first=first, most=most).delay(attempt, chance) <= longest * 1.000001


def test_delays_double_up_to_the_most() -> None:
    backoff = Backoff(first=1, most=10)
    assert [backoff.delay(attempt, 1.0) for attempt in range(1, 7)] == [1, 2, 4, 8, 10, 10]


@given(st.text(max_size=2000))
def test_a_reason_can_be_stored_whatever_the_error_says(said: str) -> None:
    reason = reason_of(ValueError(said + "\0\ud800"))
    assert "\0" not in reason
    assert len(reason.encode()) <= 4000


def test_a_reason_names_the_error() -> None:
    assert reason_of(Unavailable("gone")) == "unavailable: gone"
    assert reason_of(ValueError()) == "ValueError"
