from __future__ import annotations

import pytest

from agent_memory.adapters.postgres.words import term_query, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("  ... -- !", []),
        ("Plain words, twice: words.", ["plain", "words", "twice", "words"]),
        ("example.com/a_path?x=1", ["example", "com", "a", "path", "x", "1"]),
        ("long-necked", ["long", "necked"]),
        ("ZÜRICH École", ["zurich", "ecole"]),
        ("cafe\u0301 caf\u00e9", ["cafe", "cafe"]),
        ("\u041c\u0418\u0420", ["\u043c\u0438\u0440"]),
        ("日本語", ["日本語"]),
        ("v1.2 mp3s", ["v1", "2", "mp3s"]),
        ("'quoted' \"twice\" & | ! <-> :A", ["quoted", "twice", "a"]),
    ],
)
def test_words_are_letters_and_digits_folded(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_words_too_short_to_stem_are_kept_from_it() -> None:
    assert words("us is a bus") == ["us0", "is0", "a", "bus"]


def test_a_word_too_long_for_the_server_is_left_out() -> None:
    assert words("before " + "x" * 5000 + " after") == ["before", "after"]
    assert words("é" * 1500) == ["e" * 1500]
    assert words("語" * 1500) == []


@pytest.mark.parametrize(
    ("term", "query"),
    [
        ("giraffe", "'giraffe'"),
        ("  Giraffe!", "'giraffe'"),
        ("", None),
        ("* : &", None),
        (
            "red apple",
            "('red':A <-> 'apple':A) | ('red':B <-> 'apple':B) | ('red':C <-> 'apple':C) | ('red':D <-> 'apple':D)",
        ),
    ],
)
def test_a_term_is_a_word_or_words_side_by_side_in_one_field(term: str, query: str | None) -> None:
    assert term_query(term) == query
