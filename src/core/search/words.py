"""From text to the terms under which it is found; the same for entries and questions.

Words are folded by case and diacritics; English ones are stemmed. An identifier stands under its whole and its parts
(`getUserName`, `retry_after`). Scripts that put no spaces between words stand under pairs of characters.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from ..lexical import STOP_WORDS
from .irregular import BASE_FORMS
from .porter import stem

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
"""Thai, Lao, Burmese, Khmer, kana, Han. Hangul too: it has spaces, but its particles hang on the words."""
_ASCII_WORD = re.compile(r"\w+", re.ASCII)
_MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0963\u0966-\u0d7f"
"""Vowel signs and accents stand inside words, though Python's `\\w` leaves them out."""
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_+")
_VOICED = "\u3099\u309a"
"""The marks that tell one kana from another."""
_MEMORY = 30_000
_LONGEST = 64
"""Characters of a word that tell it from others; longer ones are data (base64, hashes) and stand under that much."""


@cache
def _word() -> re.Pattern[str]:
    """Compiled when it is first needed, as `_run`: that takes ten milliseconds, and English text never needs it."""
    return re.compile(rf"[{_UNSPACED}]+|(?:[^\W{_UNSPACED}]|[{_MARKS}])+")


@cache
def _run() -> re.Pattern[str]:
    return re.compile(rf"[{_UNSPACED}]")


def fold(text: str) -> str:
    """Without case and diacritics."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(each for each in parts if each in _VOICED or not unicodedata.combining(each))
    return unicodedata.normalize("NFC", kept)


def raw_words(text: str) -> list[str]:
    return (
        _ASCII_WORD.findall(text) if text.isascii() else _word().findall(unicodedata.normalize("NFC", text))
    )


def word_places(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where words stand between the two places; scripts without spaces give pairs of characters."""
    if text.isascii():
        yield from (found.span() for found in _ASCII_WORD.finditer(text, start, end))
        return
    for found in _word().finditer(text, start, end):
        first, last = found.span()
        if last - first > 2 and _run().match(found[0]):
            yield from ((at, at + 2) for at in range(first, last - 1))
        else:
            yield first, last


class Words:
    """Remembers the terms of each distinct word. One object for one thread."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, ...]] = {}

    def terms(self, text: str) -> Iterator[str]:
        """In order, repeated as the text repeats them, stop words left out."""
        known = self._known
        for word in raw_words(text):
            found = known.get(word)
            if found is None:
                found = self._learn(word)
            yield from found

    def _learn(self, word: str) -> tuple[str, ...]:
        if len(self._known) >= _MEMORY:
            self._known.clear()
        terms = self._known[word] = word_terms(word)
        return terms


@lru_cache(
    maxsize=1_024
)  # a question's words are asked for several times, and stemming is most of what that costs
def word_terms(word: str) -> tuple[str, ...]:
    """Of one word as `raw_words` gives it; empty for a stop word."""
    if not word.isascii() and _run().match(word):
        run = fold(word)
        return tuple(run[n : n + 2] for n in range(len(run) - 1)) if len(run) > 1 else (run,)
    whole = fold(word)[:_LONGEST]
    if whole in STOP_WORDS:
        return ()
    parts = [fold(part) for part in _HUMP.split(word[:_LONGEST]) if part]
    if len(parts) < 2:
        return (_stem(parts[0] if parts else whole),)
    return tuple(dict.fromkeys((whole, *(_stem(part) for part in parts if part not in STOP_WORDS))))


def _stem(word: str) -> str:
    word = BASE_FORMS.get(word, word)
    return stem(word) if word.isascii() and word.isalpha() else word
