"""What is known beside the text: who, when, how it is filed."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ...ports.instants import to_micros
from .catalogue import KIND_CODES, Catalogue
from .dates import named_times
from .weights import HALF_LIFE_DAYS, Weights

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .arrays import Flags, Floats, Numbers, Places
    from .dates import Stretch
    from .index import Index
    from .lexical import Words
    from .question import Question

_DAY = 86_400 * 1_000_000
_BESIDE = 0.3
"""Of their fit, for the days around one that is named, where something happened on the day itself."""
_HALF_LIVES = np.array([HALF_LIFE_DAYS[kind] for kind in KIND_CODES], np.float32)


def author(catalogue: Catalogue, question: Question, admitted: Flags, weights: Weights) -> Floats:
    """For what the people say whom the question names; nothing where that is everybody."""
    docs = catalogue.docs
    by_field = np.zeros(len(catalogue.authors), np.float32)
    by_opening = np.zeros(len(catalogue.authors), np.float32)
    for word, capital in question.names.items():
        numbers = list(catalogue.named.get(word, ()))
        by_field[numbers] = weights.author
        if capital:
            by_opening[numbers] = weights.speaker
    if not by_field.any():
        return np.zeros(len(catalogue), np.float32)
    present = np.zeros(len(by_field), np.bool_)
    present[docs["author"][admitted]] = True
    if by_field[present].all():
        return np.zeros(len(catalogue), np.float32)
    boost: Floats = np.where(docs["spoken"], by_opening[docs["author"]], by_field[docs["author"]])
    return boost


def date(
    catalogue: Catalogue, question: Question, admitted: Flags, now: datetime, weights: Weights
) -> Floats:
    at = catalogue.docs["at"]
    fits = np.zeros(len(at), np.float32)
    first_year = datetime.fromtimestamp(max(0, int(at.min(initial=to_micros(now)))) / 1_000_000, UTC).year
    for times, around in named_times(question.text, now, first_year):
        then, beside = _fits(at, times), _fits(at, around)
        share = np.float32(_BESIDE if then[admitted].any() else 1)
        np.maximum(fits, np.maximum(then, share * beside), out=fits)
    return np.float32(weights.date) * fits


def _fits(at: Numbers, stretches: Iterable[Stretch]) -> Floats:
    fits = np.zeros(len(at), np.float32)
    for start, end, fit in stretches:
        within = (at >= to_micros(start)) & (at < to_micros(end))
        fits[within] = np.maximum(fits[within], np.float32(fit))
    return fits


def filed(index: Index, question: Question, words: Words, weights: Weights) -> dict[str, Floats]:
    """For the question's words that stand in the title, and for a tag that the question names."""
    titled = np.zeros(len(index.catalogue), np.float32)
    for term, share in words.shares.items():
        if term in index.titles:
            titled[index.titles.rows(term)] += np.float32(share)
    named = list(question.names)
    tagged = np.zeros(len(index.catalogue), np.float32)
    for name in {*named, *(f"{one}-{other}" for one, other in pairwise(named))}:
        if name in index.tags:
            tagged[index.tags.rows(name)] = 1
    return {"title": np.float32(weights.title) * titled, "tag": np.float32(weights.tag) * tagged}


def small(
    index: Index, docs: Places, filed: Mapping[str, Floats], *, now: datetime, weights: Weights
) -> dict[str, Floats]:
    """Of the candidates only: what tips the balance between near equals."""
    columns = index.catalogue.docs
    age = np.maximum(0, to_micros(now) - columns["at"].take(docs)).astype(np.float32) / np.float32(_DAY)
    return {
        "question": np.float32(-weights.question) * columns["asks"].take(docs),
        "recency": np.float32(weights.recency) * np.exp2(-age / _HALF_LIVES.take(columns["kind"].take(docs))),
        "importance": np.float32(weights.importance) * (columns["importance"].take(docs) - np.float32(0.5)),
        **{name: part.take(docs) for name, part in filed.items()},
    }
