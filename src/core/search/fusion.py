"""Two scores into one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .weights import RRF_K, Weights

if TYPE_CHECKING:
    from .arrays import Floats


def fused(lexical: Floats, dense: Floats, weights: Weights) -> Floats:
    """By score (0.64 against 0.55 on LoCoMo), or by rank on the same scale: the best gets its full weight."""
    if weights.fusion == "rrf":
        lexical, dense = by_rank(lexical), by_rank(dense)
    total: Floats = np.float32(weights.lexical) * lexical + np.float32(weights.dense) * dense
    return total


def by_rank(scores: Floats) -> Floats:
    """(k + 1) / (k + rank), equal scores at one rank, 0 for what has no score."""
    _, rank = np.unique(-scores, return_inverse=True)
    return np.where(scores > 0, (RRF_K + 1) / (RRF_K + 1 + rank), 0).astype(np.float32)
