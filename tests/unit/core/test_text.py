from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_memory.core.text import checked, content_hash, cut, tokens
from agent_memory.ports.errors import Rejected


def test_the_same_words_in_nfc_and_nfd_are_one_content() -> None:
    assert content_hash("caf\u00e9") == content_hash("cafe\u0301")


def test_line_ends_and_outer_white_space_do_not_make_another_content() -> None:
    assert content_hash("a\r\nb\n") == content_hash(" a\nb")


def test_case_inner_white_space_and_validity_do() -> None:
    day = datetime(2026, 3, 1, tzinfo=UTC)
    hashes = [
        content_hash("a b"),
        content_hash("A b"),
        content_hash("a  b"),
        content_hash("a b", valid_from=day),
        content_hash("a b", valid_until=day),
    ]
    assert len(set(hashes)) == len(hashes)


def test_a_lone_surrogate_is_refused_by_name() -> None:
    with pytest.raises(Rejected, match="title: lone surrogate at character 1"):
        checked("a\ud800", "title", most=10)


def test_nul_is_refused_with_its_place() -> None:
    with pytest.raises(Rejected, match="content: NUL at character 2"):
        checked("ab\0c", "content", most=10)


def test_length_is_counted_in_the_unit_named() -> None:
    assert checked("éé", "content", most=4, unit="bytes") == "éé"
    assert checked("éé", "title", most=2) == "éé"
    with pytest.raises(Rejected, match="content: 6 bytes is too long \\(at most 5\\)"):
        checked("ééé", "content", most=5, unit="bytes")


@given(st.text(), st.integers(2, 60))
def test_a_cut_keeps_the_beginning_within_the_budget(text: str, budget: int) -> None:
    short = cut(text, budget)
    assert tokens(short) <= budget
    if tokens(text) <= budget:
        assert short == text
    else:
        assert short.endswith("…")
        assert text.startswith(short[:-1])


@given(st.text(), st.text())
def test_tokens_never_shrink_when_text_grows(a: str, b: str) -> None:
    assert tokens(a + b) >= tokens(a)
