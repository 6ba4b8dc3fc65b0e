"""Who said it: the author of an entry, or the name that opens its text as in a transcript (`Caroline: hello`)."""

from __future__ import annotations

import re

from .words import fold, raw_words

_OPENING = re.compile(r"\s*([^\W\d_][\w.'-]*(?: [^\W\d_][\w.'-]*){0,2}):\s")
_ROLES = frozenset(
    {"ai", "agent", "assistant", "bot", "human", "me", "model", "system", "the", "tool", "user"}
)
"""Parts in a talk, not names: "what does the user prefer" names nobody."""


def opening_name(text: str) -> str:
    """Empty where there is none."""
    found = _OPENING.match(text)
    return found[1] if found is not None and found[1][0].isupper() else ""


def name_words(name: str) -> frozenset[str]:
    """What of a name, folded, names its bearer in a question."""
    return frozenset(word for word in map(fold, raw_words(name)) if len(word) > 1) - _ROLES
