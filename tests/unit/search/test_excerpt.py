"""What a long text shows is what was asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_memory.core.recall import pack
from agent_memory.core.search.chunks import chunks
from agent_memory.core.search.excerpt import excerpt, wanted_terms
from agent_memory.core.search.found import Scored
from agent_memory.core.text import tokens
from agent_memory_contract.builders import entry

FILLER = "The weather in the harbour stayed calm that week. "


@pytest.mark.parametrize("budget", [20, 50, 100, 200])
@pytest.mark.parametrize("place", [0, 15, 400, 1_000])
def test_the_match_shows_however_little_fits(budget: int, place: int) -> None:
    text = FILLER * place + "The deployed okapi service listens there. " + FILLER * (1_000 - place)
    for part in ((0, 0), *(span for span in chunks(text) if "okapi" in text[slice(*span)])):
        shown = excerpt(text, budget, wanted_terms("which okapis were deploying?"), part)
        assert "deployed okapi" in shown
        assert tokens(shown) <= budget


def test_the_place_with_most_of_the_words_is_shown() -> None:
    text = "okapi " + FILLER * 20 + "the okapi eats figs" + FILLER * 20 + "figs"
    assert "the okapi eats figs" in excerpt(text, 30, wanted_terms("okapi figs"))


def test_scripts_without_spaces_and_stop_words_are_found_too() -> None:
    assert "東京" in excerpt("今" * 300 + "東京" + "今" * 300, 30, wanted_terms("東京"))
    text = "word " * 300 + "to be or not" + " word" * 300
    assert "to be or not" in excerpt(text, 30, wanted_terms("to be or not to be"))


def test_without_a_match_it_begins_where_its_best_part_does() -> None:
    text = FILLER * 100
    assert excerpt(text, 30, wanted_terms("okapi")).startswith("The weather")
    assert excerpt(text, 30, frozenset(), (1_000, 2_000)).startswith("…" + text[1_000:1_050])


@given(st.text(max_size=600), st.text(max_size=30), st.integers(20, 200))
def test_it_never_costs_more_than_its_budget(text: str, question: str, budget: int) -> None:
    assert tokens(excerpt(text, budget, wanted_terms(question))) <= budget


def test_recall_shows_the_match_of_each_hit() -> None:
    text = FILLER * 13 + "The okapi port is 4711." + FILLER * 100
    found = Scored(entry=entry(text), score=1.0, lexical=1.0, start=0, end=1_000)
    result = pack([found], 50, wanted=wanted_terms("okapi port"))
    assert "okapi port is 4711" in result.results[0].content
