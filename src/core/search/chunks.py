"""Long texts are found by their best part: where the parts begin and end."""

from __future__ import annotations

_CHARS = 1_000
"""About 160 English words: long enough for what belongs together, short enough that a fact is not drowned."""
_OVERLAP = 200
_WHOLE = 1_500


def chunks(text: str) -> list[tuple[int, int]]:
    """Offsets, in order, overlapping, cut between words where there are any. A short text is one part."""
    if len(text) <= _WHOLE:
        return [(0, len(text))]
    parts: list[tuple[int, int]] = []
    start = 0
    while True:
        end = start + _CHARS
        if end + _OVERLAP >= len(text):
            parts.append((start, len(text)))
            return parts
        end = _space_before(text, end, end - _OVERLAP // 2)
        parts.append((start, end))
        start = _space_before(text, end - _OVERLAP, end - _OVERLAP * 2)


def _space_before(text: str, place: int, least: int) -> int:
    """The nearest place at or before `place` where a word begins; `place` where there is none down to `least`."""
    for at in range(place, least, -1):
        if text[at - 1].isspace():
            return at
    return place
