"""Counting votes: by plurality, and first to be ahead by k."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..ports.records import Vote


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """`counts`: the most votes first, equals in the order in which they were first voted for; choices that nobody
    holds any more are left out. `tied`: who share the first place, if there are several; then nobody leads. `margin`:
    of the first over the second, which is 0 where nobody is second. `decided_by`: how many votes had been cast when
    the decision fell.
    """

    counts: tuple[tuple[str, int], ...]
    voters: int
    leader: str | None = None
    tied: tuple[str, ...] = ()
    margin: int = 0
    decision: str | None = None
    decided_by: int = 0


def same_choice(choice: str) -> str:
    """What choices are compared by: case and form of the characters make no other choice."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", choice).casefold())


def tally(votes: Sequence[Vote], k: int) -> Tally:
    """`votes` of one question in the order cast, replaced ones included.

    Plurality counts each agent's latest vote.

    First to ahead by k (E. Meyerson et al., Solving a Million-Step LLM Task with Zero Errors, 2025, arXiv:2511.09030;
    there over independent samples, here over votes that agents may change): votes are taken in the order cast, and one
    that replaces an agent's former vote moves it. The question is decided by the first vote after which some choice
    has at least `k` more than every other (than 0, where there is no other), and for that choice. No later vote changes
    that: it is a function of the votes up to there. So a decision depends on `k` and on the order of votes, and a
    greater `k` never decides earlier.
    """
    held: dict[str, str] = {}
    counts: dict[str, int] = {}
    labels: dict[str, str] = {}
    decision: str | None = None
    decided_by = 0
    for number, vote in enumerate(votes, 1):
        choice = same_choice(vote.choice)
        labels.setdefault(choice, vote.choice)
        former = held.get(vote.agent)
        if former is not None:
            counts[former] -= 1
        held[vote.agent] = choice
        counts[choice] = counts.get(choice, 0) + 1
        if decision is None:
            first, margin = _ahead(counts)
            if margin >= k:
                decision, decided_by = labels[first], number
    ranked = sorted(((c, n) for c, n in counts.items() if n), key=lambda one: -one[1])
    tied = tuple(labels[c] for c, n in ranked if n == ranked[0][1])
    return Tally(
        counts=tuple((labels[c], n) for c, n in ranked),
        voters=len(held),
        leader=tied[0] if len(tied) == 1 else None,
        tied=tied if len(tied) > 1 else (),
        margin=_ahead(counts)[1] if counts else 0,
        decision=decision,
        decided_by=decided_by,
    )


def _ahead(counts: Mapping[str, int]) -> tuple[str, int]:
    """A choice that nothing exceeds, and by how much it is ahead of all others."""
    first = max(counts, key=lambda choice: counts[choice])
    return first, counts[first] - max((n for choice, n in counts.items() if choice != first), default=0)
