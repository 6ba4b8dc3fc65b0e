"""Embedders that break one promise each, in what their vectors are."""

from __future__ import annotations

import hashlib
import math
import random
import struct
from typing import TYPE_CHECKING, Self

from agent_memory.adapters.embedders.static import DIMENSION
from agent_memory.ports.errors import Rejected
from agent_memory_contract.embedder_vectors import floats

from .registry import breaks
from .remote_embedder import RemoteEmbedder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_memory.ports.embedder import Kind

    from .lines import Line

_LONG = 8_192


def packed(values: Sequence[float]) -> bytes:
    length = math.hypot(*values) or 1.0
    return struct.pack(f"<{len(values)}f", *(value / length for value in values))


@breaks("EMB-01")
class LearnsItsDimension(RemoteEmbedder):
    seen = 0

    @property
    def dimension(self) -> int:
        return self.seen

    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]:
        self.seen = DIMENSION
        return await super().embed(texts, kind=kind)


@breaks("EMB-02")
class NamesItselfAtLength(RemoteEmbedder):
    @property
    def model(self) -> str:
        return f"{self.inner.model}, the one that ships with the package"


@breaks("EMB-03")
class GivesSums(RemoteEmbedder):
    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]:
        found = await super().embed(texts, kind=kind)
        return [
            struct.pack(f"<{DIMENSION}f", *(each * len(text) for each in floats(vector)))
            for text, vector in zip(texts, found, strict=True)
        ]


@breaks("EMB-04")
class DropsWhatIsBeyondABatch(RemoteEmbedder):
    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]:
        return await super().embed(texts[: 2 * self.capabilities.batch], kind=kind)


@breaks("EMB-04")
class AnswersInOrderOfLength(RemoteEmbedder):
    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]:
        return await super().embed(sorted(texts, key=len), kind=kind)


@breaks("EMB-05")
class IsDisturbedByNeighbours(RemoteEmbedder):
    """As int8 activations are, whose range is the batch's."""

    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]:
        found = await super().embed(texts, kind=kind)
        step = 1.0 / (5 + max(map(len, texts), default=0) % 17)
        return [packed([round(each / step) * step or 1e-3 for each in floats(vector)]) for vector in found]


@breaks("EMB-06")
class WantsAText(RemoteEmbedder):
    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]:
        if not texts:
            raise Rejected("texts: must not be empty", "texts")
        return await super().embed(texts, kind=kind)


@breaks("EMB-07")
class GivesBlankTextsNothing(RemoteEmbedder):
    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]:
        found = await super().embed(texts, kind=kind)
        return [
            vector if text.strip() else bytes(len(vector)) for text, vector in zip(texts, found, strict=True)
        ]


@breaks("EMB-07")
class TellsBlanksApart(RemoteEmbedder):
    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]:
        found = await super().embed(texts, kind=kind)
        return [
            vector if text.strip() else packed([1.0, len(text), *[0.0] * (DIMENSION - 2)])
            for text, vector in zip(texts, found, strict=True)
        ]


@breaks("EMB-08")
class ReadsLatin(RemoteEmbedder):
    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]:
        for text in texts:
            if not text.isascii():
                raise Rejected("text: only ASCII", "texts")
        return await super().embed(texts, kind=kind)


@breaks("EMB-09")
class RefusesLongTexts(RemoteEmbedder):
    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]:
        if any(len(text) > _LONG for text in texts):
            raise Rejected(f"text: at most {_LONG} characters", "texts")
        return await super().embed(texts, kind=kind)


@breaks("EMB-10")
class Hashes(RemoteEmbedder):
    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]:
        found = await super().embed(texts, kind=kind)
        return [
            packed([byte - 127.5 for byte in hashlib.shake_128(text.encode()).digest(len(vector) // 4)])
            for text, vector in zip(texts, found, strict=True)
        ]


@breaks("EMB-11", "EMB-12")
class ProjectsAtRandom(RemoteEmbedder):
    """Its own way in every process: a seed that is kept nowhere."""

    def __init__(self, line: Line) -> None:
        super().__init__(line)
        self.signs = random.choices((-1.0, 1.0), k=DIMENSION)

    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]:
        found = await super().embed(texts, kind=kind)
        return [packed([a * b for a, b in zip(self.signs, floats(vector), strict=True)]) for vector in found]


@breaks("EMB-26")
class CallsWhenEntered(RemoteEmbedder):
    async def __aenter__(self) -> Self:
        await super().__aenter__()
        await self.embed(["dimension"], kind="document")
        return self
