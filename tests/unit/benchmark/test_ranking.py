from __future__ import annotations

from math import log2

import pytest
from benchmarks.ranking import hit_at_1, ndcg_at, recall_at, reciprocal_rank

RANKED = ["a", "b", "c", "d"]


def test_recall_is_the_share_of_the_relevant_among_the_first_k() -> None:
    assert recall_at(2, RANKED, {"b", "d"}) == 0.5
    assert recall_at(4, RANKED, {"b", "d"}) == 1.0
    assert recall_at(1, RANKED, {"b", "d"}) == 0.0


def test_recall_counts_what_was_never_returned_as_missed() -> None:
    assert recall_at(4, RANKED, {"a", "z"}) == 0.5


def test_recall_counts_an_item_returned_twice_once() -> None:
    assert recall_at(3, ["a", "a", "a"], {"a", "b"}) == 0.5


def test_hit_at_1_looks_at_the_first_alone() -> None:
    assert hit_at_1(RANKED, {"a"}) == 1.0
    assert hit_at_1(RANKED, {"b"}) == 0.0
    assert hit_at_1([], {"b"}) == 0.0


def test_reciprocal_rank_is_that_of_the_first_relevant() -> None:
    assert reciprocal_rank(RANKED, {"c", "d"}) == pytest.approx(1 / 3)
    assert reciprocal_rank(RANKED, {"z"}) == 0.0


def test_ndcg_is_1_when_the_relevant_come_first() -> None:
    assert ndcg_at(10, RANKED, {"a", "b"}) == pytest.approx(1.0)
    assert ndcg_at(1, RANKED, {"a", "b"}) == pytest.approx(1.0)


def test_ndcg_discounts_by_rank() -> None:
    expected = (1 / log2(3) + 1 / log2(5)) / (1 + 1 / log2(3))
    assert ndcg_at(10, RANKED, {"b", "d"}) == pytest.approx(expected)


def test_ndcg_sees_nothing_past_k_and_counts_repeats_once() -> None:
    assert ndcg_at(3, RANKED, {"d"}) == 0.0
    assert ndcg_at(10, ["a", "a"], {"a"}) == pytest.approx(1.0)
