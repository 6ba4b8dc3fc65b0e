"""A static model: a vector for each token, and a text's is their weighted sum (Model2Vec; ADR 11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from .wordpiece import WordPiece

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ...ports.embedder import Kind

ROWS = "rows.npy"
"""int8, one row a token. Mapped into memory: what is in use is what counts, and processes share it."""
SCALES = "scales.npy"
"""float32, what each row is multiplied by: its own range, and the token's weight."""
VOCABULARY = "vocabulary.txt"
"""Tokens in the order of the rows, one a line."""


class StaticModel:
    """`max_tokens`: how much of a text is looked at."""

    def __init__(
        self, rows: NDArray[np.int8], scales: NDArray[np.float32], tokens: Sequence[str], max_tokens: int
    ) -> None:
        if rows.shape[0] != len(tokens) or scales.shape != (len(tokens),):
            raise ValueError(f"{rows.shape[0]} rows, {scales.shape[0]} scales, {len(tokens)} tokens")
        self._rows = rows
        self._scales = scales
        self._pieces = WordPiece({token: row for row, token in enumerate(tokens)})
        self._max_tokens = max_tokens
        nothing = np.zeros(rows.shape[1], "<f4")
        nothing[0] = 1.0
        self._nothing = nothing.tobytes()

    @classmethod
    def open(cls, folder: Path, *, dimension: int, max_tokens: int) -> Self:
        """`OSError` when a file cannot be read, `ValueError` when they are not a model of this dimension."""
        rows = np.load(folder / ROWS, mmap_mode="r", allow_pickle=False)
        scales = np.load(folder / SCALES, allow_pickle=False)
        if rows.dtype != np.int8 or rows.ndim != 2 or rows.shape[1] != dimension:
            raise ValueError(f"{ROWS}: {rows.dtype} {rows.shape}, not int8 with {dimension} columns")
        tokens = (folder / VOCABULARY).read_text("utf-8").splitlines()
        return cls(np.asarray(rows), np.asarray(scales, np.float32), tokens, max_tokens)

    def count(self, text: str) -> int:
        return len(self._pieces.encode(text))

    def embed(self, texts: Sequence[str], kind: Kind) -> list[bytes]:  # noqa: ARG002 - the port's; this model has one
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> bytes:
        tokens = self._pieces.encode(text)
        if not tokens:
            return self._nothing
        rows = np.array(tokens[: self._max_tokens])
        total = self._scales[rows] @ self._rows[rows].astype(np.float32)
        length = float(np.sqrt(total @ total))
        if not length:
            return self._nothing
        total /= np.float32(length)
        return bytes(total.astype("<f4", copy=False).data)
