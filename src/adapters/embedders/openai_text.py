"""What can be said of a text's tokens where the model's tokenizer is unknown: never too few, for prose."""

from __future__ import annotations

import re

MAX_TOKENS = 512
"""What every embedding server takes; many refuse or cut what is longer."""

_PARTS = re.compile(r"[A-Za-z]+|[0-9]+|[^\sA-Za-z0-9]")


def count(text: str) -> int:
    """A word in Latin letters has a token for every four begun, a number one for two, any other character is one."""
    return sum(_tokens(part) for part in _PARTS.findall(text))


def bounded(text: str) -> str:
    """The beginning of the text that is sure to be short enough."""
    if len(text) <= MAX_TOKENS:
        return text
    held = 0
    for part in _PARTS.finditer(text):
        held += _tokens(part[0])
        if held > MAX_TOKENS:
            # A single part longer than the bound is cut itself: a blank result would be refused.
            return text[: part.start()] if text[: part.start()].strip() else text[:MAX_TOKENS]
    return text


def _tokens(part: str) -> int:
    if part[0].isdecimal() and part.isascii():
        return (len(part) + 1) // 2
    return (len(part) + 3) // 4
