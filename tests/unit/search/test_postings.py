"""Posting lists: what goes in comes out, however a list is kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent_memory.core.search.postings import Postings

HELD = st.lists(st.sets(st.sampled_from("abcd")), max_size=40)
"""Row by row, the terms of each."""


@given(HELD, st.integers(1, 50))
def test_a_list_tells_its_rows_their_number_and_the_last_of_them(held: list[set[str]], most: int) -> None:
    postings = Postings()
    for row, terms in enumerate(held):
        postings.add(row, terms)
    for term in "abcd":
        rows = [row for row, terms in enumerate(held) if term in terms]
        assert postings.rows(term).tolist() == rows
        assert postings.count(term) == len(rows)
        assert postings.last(term, most) == rows[-most:]


@given(HELD)
def test_a_list_that_was_saved_is_the_same_again_and_grows_on(held: list[set[str]]) -> None:
    postings, again = Postings(), Postings()
    for row, terms in enumerate(held):
        postings.add(row, terms)
    for term, rows in postings.items():
        again.put(term, rows)
    for some in (postings, again):
        some.add(len(held), "ab")
    assert {t: r.tolist() for t, r in again.items()} == {t: r.tolist() for t, r in postings.items()}
