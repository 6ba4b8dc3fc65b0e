"""What was found in a text, and what makes a string look like a secret."""

from __future__ import annotations

import re
from functools import cache
from math import log2
from typing import NamedTuple


class Finding(NamedTuple):
    """[start, end) of the text, in characters."""

    start: int
    end: int
    kind: str


class Redacted(NamedTuple):
    """`found` in order, by their places in the text as it was given."""

    text: str
    found: tuple[Finding, ...] = ()


MIXED = re.compile(r"[\d!@#$%&*?^~]", re.ASCII)
"""One of these has what was made for a password, and no word."""

_PLACEHOLDER = (
    r"redacted|example|x{5,}|\*{3,}|\.{3,}|…|your[-_]|your(?:api|key|token|secret|pass)|placeholder|change[-_]?(?:me|it)"
    r"|insert[-_]|replace[-_]?(?:me|with)|dummy|fake[-_]|0{8,}|123456789|abcdefgh|<\w|\$\{|\$\(|\{\{|%\(|my[-_](?:secret|token|api)"
)


@cache
def _placeholder() -> re.Pattern[str]:
    return re.compile(_PLACEHOLDER, re.ASCII | re.IGNORECASE)


def is_placeholder(text: str) -> bool:
    """Stands where a secret is to come, or where one was."""
    return _placeholder().search(text) is not None


def entropy(text: str) -> float:
    """Of its characters, in bits each (Shannon). Words have 2 to 3, random letters and digits of a key's length 4 and
    more.
    """
    size = len(text)
    counts = [text.count(character) / size for character in set(text)]
    return -sum(share * log2(share) for share in counts)


def lowered(text: str) -> str:
    """In lower case, each character where it was."""
    return text.replace("\u0130", "I").lower()  # the one letter that is two in lower case
