"""How good a ranked answer is, when each item is relevant or not."""

from __future__ import annotations

from math import log2
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


def recall_at(k: int, ranked: Sequence[str], relevant: Collection[str]) -> float:
    """The share of the relevant that stands among the first k."""
    return len(set(ranked[:k]) & set(relevant)) / len(set(relevant))


def hit_at_1(ranked: Sequence[str], relevant: Collection[str]) -> float:
    return float(bool(ranked) and ranked[0] in relevant)


def reciprocal_rank(ranked: Sequence[str], relevant: Collection[str]) -> float:
    """Of the first relevant item; 0 where none was returned."""
    return next((1 / rank for rank, item in enumerate(ranked, 1) if item in relevant), 0.0)


def ndcg_at(k: int, ranked: Sequence[str], relevant: Collection[str]) -> float:
    """Jarvelin and Kekalainen, 2002, with gains of 0 and 1. An item returned twice gains once."""
    first = dict.fromkeys(ranked)
    gained = sum(1 / log2(rank + 1) for rank, item in enumerate(list(first)[:k], 1) if item in relevant)
    ideal = sum(1 / log2(rank + 1) for rank in range(1, min(k, len(set(relevant))) + 1))
    return gained / ideal
