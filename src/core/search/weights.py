"""How much each sign of relevance counts, in shares of the best lexical score."""

from __future__ import annotations

from typing import Literal

import msgspec


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """0 switches an ingredient off. Chosen by hand on the five LoCoMo conversations that we have (docs/performance.md);
    the optimum is flat: a third more or less of any one changes recall@10 there by less than a point.

    `before`, `after`: what the neighbours in the same scope lend of what an entry lacks; `beyond`: those one further;
    `answer`: more from the one before, when that is a question; `apart`: the share of these that holds outside of
    sessions. `session`: for the share of the question's words that the session holds. `author`, `speaker`: named in the
    question, as a field or as the opening of the text. `date`: within a time that the question names. `question`: taken
    off what only asks. `title`: for the question's words that the title holds; `tag`: for a tag that the question
    names. `recency`, `importance`: at most this much, between equals.
    """

    lexical: float = 1.0
    dense: float = 1.0
    before: float = 0.5
    after: float = 0.4
    beyond: float = 0.2
    answer: float = 0.25
    apart: float = 0.8
    session: float = 0.6
    author: float = 0.9
    speaker: float = 0.4
    date: float = 1.2
    question: float = 0.2
    title: float = 0.3
    tag: float = 0.15
    recency: float = 0.03
    importance: float = 0.1
    fusion: Literal["weighted", "rrf"] = "weighted"

    def by_meaning_alone(self) -> Weights:
        """With nothing but that of an entry, and of its neighbours."""
        return Weights(
            lexical=0.0, dense=self.dense, before=self.before, after=self.after, beyond=self.beyond, answer=0.0,
            apart=self.apart, session=0.0, author=0.0, speaker=0.0, date=0.0, question=0.0, title=0.0, tag=0.0,
            recency=0.0, importance=0.0, fusion=self.fusion,
        )  # fmt: skip


HALF_LIFE_DAYS = {"knowledge": 365.0, "guideline": 730.0, "tool": 365.0, "experience": 180.0, "note": 90.0}
"""Rules outlive notes."""
RRF_K = 60
"""Cormack, Clarke and Buettcher, SIGIR 2009."""
