"""Our WordPiece against the library's, on everything that Unicode 8 has, on words and on noise."""

from __future__ import annotations

import random
import unicodedata
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.embedders.wordpiece import WordPiece
from agent_memory_contract.embedder_vectors import RELATED, SCRIPTS, TEXTS

pytest.importorskip("tokenizers")

from agent_memory_contract.minilm import bert_tokenizer, bert_vocabulary

if TYPE_CHECKING:
    from tokenizers import Tokenizer

UNKNOWN = 100
_NEWER = 600
"""The library's tables are those of Unicode 8: of later marks and accents it knows only that they are characters."""


@pytest.fixture(scope="module")
def library() -> Tokenizer:
    return bert_tokenizer()


@pytest.fixture(scope="module")
def ours() -> WordPiece:
    return WordPiece(bert_vocabulary())


def expected(library: Tokenizer, text: str) -> list[int]:
    return [token for token in library.encode(text, add_special_tokens=False).ids if token != UNKNOWN]


@pytest.mark.parametrize("text", [*TEXTS, *RELATED, *SCRIPTS[:-1]])
def test_equal_on_sentences_of_many_scripts(library: Tokenizer, ours: WordPiece, text: str) -> None:
    assert ours.encode(text) == expected(library, text)


def test_equal_on_every_assigned_character(library: Tokenizer, ours: WordPiece) -> None:
    """Each between letters and alone. What Python knows as newer marks may differ, and nothing else does."""
    texts = {
        code: f"ab{chr(code)}cd {chr(code)}"
        for code in range(0x30000)
        if unicodedata.category(chr(code)) not in {"Cn", "Cs", "Co"}
    }
    answers = library.encode_batch_fast(list(texts.values()), add_special_tokens=False)
    differing = [
        code
        for (code, text), answer in zip(texts.items(), answers, strict=True)
        if ours.encode(text) != [token for token in answer.ids if token != UNKNOWN]
    ]
    assert len(differing) < _NEWER
    assert {unicodedata.category(chr(code))[0] for code in differing} <= {"M", "P", "C", "S"}
    assert min(differing, default=0x10000) > 0x500


def test_equal_on_noise(library: Tokenizer, ours: WordPiece) -> None:
    """Random texts of everything that once needed a rule: blanks, marks, controls, accents, ideographs, emoji."""
    random_ = random.Random(11)
    letters = (
        "abcXYZ019 \t\n\r\v\f\x00\x1c\x85\xa0éÉe\u0301ßẞİ\u0131Σς,.;:!?-_'\"`\xb4\u2018\u2019“”$+<=>^|~…"
        "日本語ｶ가힣Йй\u200b\u200d👩🏽\ufffd\ufeff"
    )
    for _ in range(3_000):
        text = "".join(random_.choices(letters, k=random_.randint(1, 120)))
        assert ours.encode(text) == expected(library, text), repr(text)


def test_equal_around_the_longest_word(library: Tokenizer, ours: WordPiece) -> None:
    for length in (99, 100, 101, 5_000):
        for letter in ("a", "é", "\x01a"):
            assert ours.encode(letter * length) == expected(library, letter * length)


def test_what_it_remembers_is_bounded(ours: WordPiece) -> None:
    """And forgetting changes nothing."""
    before = ours.encode("remembered words")
    for number in range(40_000):
        ours.encode(f"word{number} {chr(0x4E00 + number % 20_000)}")
    assert len(ours._known) <= 16_384  # pyright: ignore[reportPrivateUsage]
    assert len(ours._characters) <= 4_096  # pyright: ignore[reportPrivateUsage]
    assert ours.encode("remembered words") == before
