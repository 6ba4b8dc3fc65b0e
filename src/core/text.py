"""Text as it is checked and compared. What is stored is what was given."""

from __future__ import annotations

import unicodedata
from hashlib import blake2b
from typing import TYPE_CHECKING

from ..ports.errors import Rejected

if TYPE_CHECKING:
    from datetime import datetime

JOINERS = "\u200c\u200d"
"""Zero-width, but part of words in some scripts, and of emoji."""
_BREAKS = frozenset({"Cc", "Zl", "Zp"})
"""Unicode's categories for control characters, line and paragraph separators."""


def checked(text: str, field: str, *, most: int, unit: str = "characters") -> str:
    """The text itself, or `Rejected`. `unit` is characters or bytes (of UTF-8)."""
    if text.isascii():
        size = len(text)
    else:
        encoded = utf8(text, field)
        size = len(encoded) if unit == "bytes" else len(text)
    if size > most:
        raise Rejected(
            f"{field}: {size} {unit} is too long (at most {most})"
            + ("; split it into several entries" if field.endswith("content") else ""),
            field,
        )
    if "\0" in text:
        raise Rejected(f"{field}: NUL at character {text.index(chr(0))} is not allowed", field)
    return text


def utf8(text: str, field: str) -> bytes:
    """`Rejected` for half a character, which Python's texts can hold and UTF-8 cannot."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise Rejected(
            f"{field}: lone surrogate at character {error.start}; send valid Unicode", field
        ) from None


def checked_line(text: str, field: str, *, most: int) -> str:
    """Like `checked`, without white space at the ends, for what is shown on one line beside quoted text: a line
    break in it could forge what follows.
    """
    text = checked(text, field, most=most).strip()
    printed_on_one_line(text, field)
    return text


def printed_on_one_line(text: str, field: str) -> None:
    """`Rejected` where a line break or another control character stands in it."""
    if not text.isprintable():
        for position, character in enumerate(text):
            if unicodedata.category(character) in _BREAKS:
                raise Rejected(
                    f"{field}: line break or control character at character {position}; write it on one line",
                    field,
                )


def content_hash(
    content: str, valid_from: datetime | None = None, valid_until: datetime | None = None
) -> bytes:
    """Identity for exact duplicates: the content in NFC, line ends as LF, outer white space off, and when it holds.

    A fact that holds for another time is another fact.
    """
    text = content if content.isascii() else unicodedata.normalize("NFC", content)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    digest = blake2b(text.strip().encode(), digest_size=16)
    if valid_from is not None or valid_until is not None:
        digest.update(f"\0{valid_from}\0{valid_until}".encode())
    return digest.digest()


def tokens(text: str) -> int:
    """About how many tokens a model reads: four ASCII characters each, any other character one."""
    ascii_chars = len(text) if text.isascii() else len(text.encode("ascii", "ignore"))
    return (ascii_chars + 3) // 4 + len(text) - ascii_chars


def cut(text: str, budget: int) -> str:
    """The longest beginning that costs at most `budget` tokens with the ellipsis that marks the cut."""
    if tokens(text) <= budget:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if tokens(text[:middle]) + 1 <= budget:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"
