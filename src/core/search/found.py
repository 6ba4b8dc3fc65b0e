"""What a search answers."""

from __future__ import annotations

from typing import Literal

import msgspec

from ...ports.records import Entry

Mode = Literal["hybrid", "lexical", "dense"]


class Scored(msgspec.Struct, frozen=True, kw_only=True):
    """`start`, `end`: the best chunk of a long entry (0, 0: the whole). `parts` add up to `score`. `sure`: what the
    best hit of the answer is worth, 0 to 1: less than 1 where nothing but meaning speaks for it, and that weakly.
    """

    entry: Entry
    score: float
    match: str = "lexical"
    lexical: float = 0.0
    dense: float = 0.0
    parts: dict[str, float] = {}
    start: int = 0
    end: int = 0
    sure: float = 1.0


class Answer(msgspec.Struct, frozen=True):
    hits: tuple[Scored, ...]
    degraded: bool = False


class VectorCount(msgspec.Struct, frozen=True, kw_only=True):
    """Of the configured model, in this process's index: entries with its vectors, and those that wait for theirs."""

    entries: int
    pending: int
