"""Whether two texts say the same in other words: never sure, so what is found is reported, and nothing is dropped.

Strict on purpose. A word in place of another (`failed` for `succeeded`, another person, number, version, day) makes
another fact, and so does a negation, a direction the other way round, or an order that swaps who does what. What may
differ: case, punctuation, plural, a few words that are one (`delete`, `remove`), filler, one part of the sentence
moved, and in a long text a word in ten that only one of the two has.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from .porter import singular
from .wording import wording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...ports.records import Entry
    from .wording import Word

LONGEST = 4_000
"""Characters. Longer texts are not compared: they are documents, and two that agree in nine tenths may well differ in
the fact that matters.
"""
_AGREE = 0.9
_STATES = (
    "abandoned absent active allowed always approved archived available blocked broken canceled cancelled closed "
    "complete completed decline declined deprecated disabled done down enabled error expired external fail failed "
    "failing fail false fake finished first fixed former formerly forbidden green half healthy hidden illegal "
    "inactive incomplete incorrect internal invalid last late legacy local missing near new obsolete offline old "
    "online open optional partial partially pass passed passing pending planned postponed preliminary private "
    "production prohibited proposed public red rejected remote removed required resolved reverted second seldom "
    "skipped staging stale stopped succeed succeeded success successful temporary temporarily test third true "
    "unavailable unhealthy unknown unresolved unstable valid wrong yesterday today tomorrow yet hardly barely "
    "monday tuesday wednesday thursday friday saturday sunday january february march april june july august "
    "september october november december hundred thousand million billion"
)
_TELLING = frozenset(singular(word) for word in _STATES.split())
"""Outcomes, states and times: one of these more is another fact."""


def same_fact(new: Entry, standing: Entry) -> float:
    """How nearly the entries agree, 0 where something tells them apart.

    They are of one time and one author, where both say so; a title counts where both have one.
    """
    if (new.valid_from, new.valid_until) != (standing.valid_from, standing.valid_until):
        return 0.0
    if new.author and standing.author and new.author.casefold() != standing.author.casefold():
        return 0.0
    if new.occurred_at and standing.occurred_at and new.occurred_at != standing.occurred_at:
        return 0.0
    titles = new.title.casefold(), standing.title.casefold()
    if all(titles) and titles[0] != titles[1] and not agreement(new.title, standing.title):
        return 0.0
    return agreement(new.content, standing.content)


def agreement(one: str, other: str) -> float:
    """1 where both have the same words, less where one has more, 0 where they are not one fact."""
    if max(len(one), len(other)) > LONGEST:
        return 0.0
    short, long = sorted((wording(one), wording(other)), key=lambda each: len(each.words))
    if not short.words or short.ties != long.ties:
        return 0.0
    left = Counter(word.text for word in long.words)
    left.subtract(word.text for word in short.words)
    if any(count < 0 for count in left.values()):
        return 0.0
    common: list[Word] = []
    for word in long.words:
        if left[word.text] > 0:
            left[word.text] -= 1
            if word.exact or word.name or word.text in _TELLING:
                return 0.0
        else:
            common.append(word)
    shared = len(common) / len(long.words)
    return shared if shared >= _AGREE and _moved_once(short.words, common) else 0.0


def _moved_once(one: Sequence[Word], other: Sequence[Word]) -> bool:
    """Whether the order is the same but for one part, which is more than a lone number, in another place."""
    first, second = [word.text for word in one], [word.text for word in other]
    start, end = 0, len(first)
    while start < end and first[start] == second[start]:
        start += 1
    while end > start and first[end - 1] == second[end - 1]:
        end -= 1
    if start == end:
        return True
    cuts = [
        cut
        for cut in range(start + 1, end)
        if first[cut] == second[start] and first[cut:end] + first[start:cut] == second[start:end]
    ]
    parts = [part for cut in cuts for part in (one[start:cut], one[cut:end])]
    return bool(cuts) and not any(len(part) == 1 and part[0].exact for part in parts)
