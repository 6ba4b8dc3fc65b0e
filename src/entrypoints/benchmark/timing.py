"""Samples of time, and what is said of them."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def percentile(seconds: Sequence[float], share: float) -> float:
    """The nearest rank: the smallest sample that at least `share` of all do not exceed."""
    ordered = sorted(seconds)
    rank = -(-len(ordered) * share // 1)
    return ordered[max(0, int(rank) - 1)]


def median(seconds: Sequence[float]) -> float:
    return percentile(seconds, 0.5)


def timed(work: Callable[[], object]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started


def alternate(rounds: int, *blocks: Callable[[int], float]) -> list[float]:
    """The median seconds of each block, run by turns: what disturbs the machine for a while disturbs all of them."""
    samples: list[list[float]] = [[] for _ in blocks]
    for turn in range(rounds):
        for block, kept in zip(blocks, samples, strict=True):
            kept.append(block(turn))
    return [median(kept) for kept in samples]
