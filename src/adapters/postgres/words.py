"""Text as the words that are looked up, told apart as SQLite's FTS5 does it (`unicode61 remove_diacritics 2`).

Done here and not by the server: its parser keeps `example.com/path` in one piece, and folds case by the database's
locale. Stemming is left to it.
"""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")
_MOST_BYTES = 2000
"""PostgreSQL keeps no lexeme of 2 KiB or more."""


def words(text: str) -> list[str]:
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        text = "".join(c for c in decomposed if not unicodedata.combining(c))
    found = _WORD.findall(text.lower())
    return [_as_it_is(word) for word in found if len(word) < _MOST_BYTES // 4 or _fits(word)]


def _as_it_is(word: str) -> str:
    """Porter's rules would make `u` of `us`. FTS5 leaves words this short alone; a digit at the end does so here."""
    return word + "0" if len(word) < 3 and word[-1] == "s" else word


def _fits(word: str) -> bool:
    return len(word.encode()) <= _MOST_BYTES


def term_query(term: str) -> str | None:
    """In the syntax of to_tsquery: a word, or words side by side within one field. None where there is no word."""
    found = words(term)
    if len(found) < 2:
        return f"'{found[0]}'" if found else None
    return " | ".join("(" + " <-> ".join(f"'{word}':{field}" for word in found) + ")" for field in "ABCD")
