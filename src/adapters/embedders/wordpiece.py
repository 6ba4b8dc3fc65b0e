"""BERT's uncased WordPiece (Devlin et al., 2019), equal to `tokenizers` on any text without a special token's name.

In Python, since a dictionary of words seen before makes it several times as fast as the library, at a fraction of its
memory, and saves every installation from the library's own dependencies (ADR 11).
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST_WORD = 100
"""Characters. A longer word is unknown as a whole, as BERT has it."""
_WORDS_KEPT = 16_384
_CHARACTERS_KEPT = 4_096

_ASCII = re.compile(r"[^\t\n\r -/:-@\[-`{-~]+|[!-/:-@\[-`{-~]")
"""Words and single punctuation marks. Control characters count as letters here, and go when the word is looked up."""

_CONTROLS = frozenset({"Cc", "Cf", "Co", "Cs"})
"""Not Cn: a character that Unicode has not assigned yet is a letter that no word knows."""

_IDEOGRAPHS = (
    (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
)  # fmt: skip
"""Each is a word of its own. The last but two begins as `tokenizers` has it, not as BERT did (0x2B820)."""


class WordPiece:
    """`ids` by token, word continuations with "##" before them. Unknown words leave no token.

    Several threads may use one: what it remembers changes by single steps on dictionaries, and one lost costs time
    only.
    """

    def __init__(self, ids: Mapping[str, int]) -> None:
        self._ids = ids
        self._longest = max(map(len, ids))
        self._known: dict[str, tuple[int, ...]] = {}
        self._characters = _Characters()

    def encode(self, text: str) -> list[int]:
        words = _ASCII.findall(text.lower()) if text.isascii() else text.translate(self._characters).split()
        known = self._known
        tokens: list[int] = []
        for word in words:
            found = known.get(word)
            tokens += self._learn(word) if found is None else found
        return tokens

    def _learn(self, word: str) -> tuple[int, ...]:
        if len(word) > _LONGEST_WORD:
            return self._pieces(_without_controls(word))
        if len(self._known) >= _WORDS_KEPT:
            self._known.clear()
        pieces = self._known[word] = self._pieces(_without_controls(word))
        return pieces

    def _pieces(self, word: str) -> tuple[int, ...]:
        """The longest known beginning, then the longest known continuation, and so on; none if that fails."""
        if len(word) > _LONGEST_WORD:
            return ()
        ids: list[int] = []
        start = 0
        while start < len(word):
            before = "##" if start else ""
            for end in range(min(len(word), start + self._longest), start, -1):
                token = self._ids.get(before + word[start:end])
                if token is not None:
                    ids.append(token)
                    start = end
                    break
            else:
                return ()
        return tuple(ids)


class _Characters(dict[int, str]):
    """What each character becomes before words are parted at blanks."""

    def __missing__(self, code: int) -> str:
        if len(self) >= _CHARACTERS_KEPT:
            self.clear()
        plain = self[code] = _plain(chr(code))
        return plain


def _plain(character: str) -> str:
    if _is_control(character):
        return ""
    if character.isspace():
        return " "
    bare = "".join(c for c in unicodedata.normalize("NFD", character) if unicodedata.category(c) != "Mn")
    lower = "".join(map(_lower, bare))
    if any(first <= ord(character) <= last for first, last in _IDEOGRAPHS):
        return f" {lower} "
    return "".join(f" {c} " if _is_mark(c) else c for c in lower)


def _lower(character: str) -> str:
    return character.lower()


def _without_controls(word: str) -> str:
    return word if word.isprintable() else "".join(c for c in word if not _is_control(c))


def _is_control(character: str) -> bool:
    if character in "\t\n\r":
        return False
    return character == "\ufffd" or unicodedata.category(character) in _CONTROLS


def _is_mark(character: str) -> bool:
    if character.isascii():
        return not character.isalnum() and not character.isspace()
    return unicodedata.category(character).startswith("P")
