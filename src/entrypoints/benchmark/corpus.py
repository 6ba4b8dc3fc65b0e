"""Made-up memories, the same in every run: words whose frequencies fall off as in natural text (Zipf)."""

from __future__ import annotations

from itertools import accumulate, islice
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_VOCABULARY = 20_000
_WORDS = 60
"""An entry is then about 400 bytes, a paragraph."""
_COMMON = 100
"""The most frequent words stand for the stop words of a real question, which are not looked up."""

_SYLLABLES = [c + v for c in "bdfgklmnprstvz" for v in ("a", "e", "i", "o", "u", "an", "el", "or")]


class Corpus:
    def __init__(self, seed: int = 7) -> None:
        self._random = Random(seed)  # noqa: S311 (made-up text)
        spell = Random(1)  # noqa: S311 (made-up text)
        words: dict[str, None] = {}
        while len(words) < _VOCABULARY:
            words["".join(spell.choices(_SYLLABLES, k=spell.randint(2, 4)))] = None
        self._words = list(words)
        self._weights = list(accumulate(1 / rank for rank in range(1, _VOCABULARY + 1)))
        self._common = frozenset(self._words[:_COMMON])

    def texts(self) -> Iterator[str]:
        """Without end; no two alike."""
        number = 0
        while True:
            words = self._random.choices(self._words, cum_weights=self._weights, k=_WORDS)
            number += 1
            yield f"{' '.join(words)} n{number}x{self._random.getrandbits(32):08x}"

    def take(self, count: int) -> list[str]:
        return list(islice(self.texts(), count))

    def question(self) -> str:
        """Three words as one entry may hold them together, none of the most frequent."""
        words: dict[str, None] = {}
        while len(words) < 3:
            word = self._random.choices(self._words, cum_weights=self._weights)[0]
            if word not in self._common:
                words[word] = None
        return " ".join(words)
