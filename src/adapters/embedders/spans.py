"""Where to cut a long text, given a way to count a model's tokens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...ports.embedder import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SPLIT_TOKENS = 128
"""What sentence models are trained on; longer parts blur what they are about."""
OVERLAP_TOKENS = 24

_WORD = re.compile(r"\S+")
_SURE_CHARACTERS = 24
"""Of a run without a blank (a base64 block, a sentence in Japanese) that must be cut, at most so many at a time."""


def spans(text: str, count: Callable[[str], int], limit: int, overlap: int) -> tuple[Span, ...]:
    """`count` is taken to add up over words, as it does exactly for WordPiece; each word counts at least one."""
    first = _WORD.search(text)
    if first is None:
        return ()
    if len(text) <= limit or count(text) <= limit:
        return (Span(0, len(text)),)
    cuts: list[Span] = []
    window: list[tuple[int, int, int]] = []
    held = 0
    for start, end, tokens in _pieces(text, count, limit):
        if held + tokens > limit:
            cuts.append(Span(window[0][0], window[-1][1]))
            window, held = _tail(window, min(overlap, limit - tokens))
        window.append((start, end, tokens))
        held += tokens
    cuts.append(Span(window[0][0], window[-1][1]))
    return tuple(cuts)


def _pieces(text: str, count: Callable[[str], int], limit: int) -> Iterator[tuple[int, int, int]]:
    """Words with their tokens; one that is too long alone, in parts."""
    for word in _WORD.finditer(text):
        start, end = word.span()
        tokens = max(1, count(word[0]))
        if tokens * 4 <= limit:
            yield start, end, tokens
            continue
        for at in range(start, end, _SURE_CHARACTERS):
            part_end = min(end, at + _SURE_CHARACTERS)
            yield at, part_end, min(limit, max(1, count(text[at:part_end])))


def _tail(window: list[tuple[int, int, int]], room: int) -> tuple[list[tuple[int, int, int]], int]:
    """The last words that fit into `room` tokens."""
    held = 0
    for index in range(len(window) - 1, -1, -1):
        if held + window[index][2] > room:
            return window[index + 1 :], held
        held += window[index][2]
    return window, held
