"""Counting votes, against the definitions written out."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from agent_memory.core.tally import Tally, tally
from agent_memory_contract.builders import vote

Cast = list[tuple[str, str]]

CASTS: st.SearchStrategy[Cast] = st.lists(
    st.tuples(st.sampled_from("abcde"), st.sampled_from("xyz")), max_size=24
)
AHEAD = st.integers(1, 4)


def counted(cast: Cast, k: int = 2) -> Tally:
    return tally([vote(agent, choice) for agent, choice in cast], k)


def latest(cast: Cast) -> Counter[str]:
    return Counter(dict(cast).values())


def first_margin(counts: Counter[str]) -> int:
    best = [number for _, number in counts.most_common(2)]
    return best[0] - (best[1] if len(best) > 1 else 0) if best else 0


def test_no_votes_decide_nothing() -> None:
    assert counted([]) == Tally(counts=(), voters=0)


@given(CASTS, AHEAD)
def test_plurality_counts_the_latest_vote_of_each_agent(cast: Cast, k: int) -> None:
    result = counted(cast, k)
    assert dict(result.counts) == dict(latest(cast))
    assert result.voters == len(dict(cast))
    numbers = [number for _, number in result.counts]
    assert numbers == sorted(numbers, reverse=True)


@given(CASTS, AHEAD)
def test_who_leads_has_more_than_any_other_and_ties_have_no_leader(cast: Cast, k: int) -> None:
    result, counts = counted(cast, k), latest(cast)
    best = {choice for choice, number in counts.items() if number == max(counts.values())}
    assert result.leader == (next(iter(best)) if len(best) == 1 else None)
    assert set(result.tied) == (best if len(best) > 1 else set())
    assert result.margin == first_margin(counts)


@given(CASTS, AHEAD)
def test_the_decision_falls_with_the_first_vote_that_puts_a_choice_ahead_by_k(cast: Cast, k: int) -> None:
    ahead = [n for n in range(1, len(cast) + 1) if first_margin(latest(cast[:n])) >= k]
    result = counted(cast, k)
    if not ahead:
        assert (result.decision, result.decided_by) == (None, 0)
    else:
        assert result.decided_by == ahead[0]
        assert result.decision == latest(cast[: ahead[0]]).most_common(1)[0][0]


@given(CASTS, CASTS, AHEAD)
def test_no_later_vote_changes_a_decision(cast: Cast, later: Cast, k: int) -> None:
    before, after = counted(cast, k), counted(cast + later, k)
    if before.decision is not None:
        assert (after.decision, after.decided_by) == (before.decision, before.decided_by)


@given(CASTS, AHEAD)
def test_a_greater_k_never_decides_earlier(cast: Cast, k: int) -> None:
    less, more = counted(cast, k), counted(cast, k + 1)
    if more.decision is not None:
        assert less.decision is not None
        assert less.decided_by <= more.decided_by


def test_a_vote_that_moves_away_can_put_a_third_choice_ahead() -> None:
    cast = [("a", "x"), ("b", "y"), ("c", "x"), ("d", "y"), ("e", "x")]
    assert counted(cast).decision is None
    assert counted([*cast, ("d", "z")]).decision == "x"


def test_case_makes_no_other_choice_and_the_first_writing_is_shown() -> None:
    assert counted([("a", "Yes"), ("b", "yes"), ("c", "YES")], 3).counts == (("Yes", 3),)
    assert counted([("a", "Straße"), ("b", "STRASSE")]).decision == "Straße"


def test_an_overtaken_decision_stands_beside_the_new_leader() -> None:
    result = counted([("a", "x"), ("b", "x"), ("c", "y"), ("d", "y"), ("e", "y")])
    assert (result.decision, result.decided_by, result.leader) == ("x", 2, "y")
