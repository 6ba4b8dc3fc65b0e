"""What of a long text is shown: the part where the question's words stand closest together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..text import cut, tokens
from .words import fold, raw_words, word_places, word_terms

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


class _Place(NamedTuple):
    start: int
    end: int
    term: str


def wanted_terms(question: str) -> frozenset[str]:
    """What to look for: its terms, or its stop words where it has no other."""
    words = raw_words(question)
    terms = frozenset(term for word in words for term in word_terms(word))
    return terms or frozenset(map(fold, words))


def excerpt(text: str, budget: int, wanted: Collection[str], part: tuple[int, int] = (0, 0)) -> str:
    """At most `budget` tokens of a text that has more, around what is wanted of it. `part`: where that is looked for
    (0, 0: everywhere). From the beginning of the part where nothing is found.
    """
    start, end = part if part[1] else (0, len(text))
    width = _width(text[start:end], budget)
    places = _places(text, start, end, wanted)
    begin = start
    if places and places[-1].end - start > width:
        begin = _begin(text, start, places, width)
    begin = max(0, min(begin, len(text) - width))
    if not begin:
        return cut(text, budget)
    return "…" + cut(text[begin:], budget - 1)


def _width(text: str, budget: int) -> int:
    """Characters that so many tokens show for certain, where the text is of one kind throughout."""
    return max(1, int((budget - 2) * len(text) / max(1, tokens(text)) * 0.9))


def _places(text: str, start: int, end: int, wanted: Collection[str]) -> list[_Place]:
    if not wanted:
        return []
    known: dict[str, str] = {}
    places: list[_Place] = []
    for first, last in word_places(text, start, end):
        word = text[first:last]
        term = known.get(word)
        if term is None:
            found = (each for each in (*word_terms(word), fold(word)) if each in wanted)
            term = known[word] = next(found, "")
        if term:
            places.append(_Place(first, last, term))
    return places


def _begin(text: str, start: int, places: Sequence[_Place], width: int) -> int:
    """A little before the window that shows most different terms; the first of equals."""
    best, most = (places[0], places[0]), 0
    inside: dict[str, int] = {}
    left = 0
    for place in places:
        inside[place.term] = inside.get(place.term, 0) + 1
        while place.end - places[left].start > width and places[left] is not place:
            gone = places[left].term
            inside[gone] -= 1
            if not inside[gone]:
                del inside[gone]
            left += 1
        if len(inside) > most:
            best, most = (places[left], place), len(inside)
    first, last = best
    lead = max(0, width - (last.end - first.start)) // 2
    begin = max(start, first.start - lead)
    for at in range(begin, first.start):
        if at and text[at - 1].isspace():
            return at
    return begin
