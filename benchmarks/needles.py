"""Needles: one sentence after much else in a long entry. The filler is real talk, with the words of real questions."""

from __future__ import annotations

from itertools import cycle, islice
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from locomo import Conversation

COUNT = 20
_PLACES = (
    "boathouse", "greenhouse", "observatory", "bakery", "archive", "lighthouse", "workshop", "library", "chapel",
    "gymnasium", "laundry", "orchard", "pavilion", "quarry", "rectory", "sawmill", "tannery", "vineyard", "watermill",
    "brewery",
)  # fmt: skip
_KEEPERS = (
    "Ottoline", "Barnabas", "Cosima", "Dagobert", "Eulalia", "Fridolin", "Gwendolen", "Hyacinth", "Isidore", "Jocasta",
    "Kasimir", "Leocadia", "Meinhard", "Nepomuk", "Odette", "Philippa", "Quentin", "Rosalind", "Sigismund", "Theodora",
)  # fmt: skip


class Needle(NamedTuple):
    """`entry` is to be among the first answers to `question`."""

    entry: dict[str, Any]
    question: str


def codes(conversations: Sequence[Conversation]) -> list[Needle]:
    """A ticket's number after 150 words."""
    words = _filler(conversations)
    numbers = [f"OPS-{4_000 + 137 * n}" for n in range(COUNT)]
    return [
        Needle(
            {
                "content": f"{_take(words, 150)}. {number} is settled. {_take(words, 40)}",
                "scope": "needles/codes",
            },
            f"what is known of {number}?",
        )
        for number in numbers
    ]


def facts(conversations: Sequence[Conversation]) -> list[Needle]:
    """A fact after 2,000 words, in words that other entries hold too."""
    words = _filler(conversations)
    return [
        Needle(
            {
                "content": f"{_take(words, 2_000)}. The spare key of the {place} is kept by {keeper}. "
                f"{_take(words, 300)}",
                "scope": "needles/facts",
            },
            f"Who keeps the spare key of the {place}?",
        )
        for place, keeper in zip(_PLACES, _KEEPERS, strict=True)
    ]


def _filler(conversations: Sequence[Conversation]) -> Iterator[str]:
    return cycle([word for each in conversations for turn in each.turns for word in turn.content.split()])


def _take(words: Iterator[str], count: int) -> str:
    return " ".join(islice(words, count))
