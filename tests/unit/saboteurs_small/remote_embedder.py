"""An upright embedder, as a client behind a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from agent_memory.adapters.embedders.static import StaticEmbedder

from .lines import CutHarness, Line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from agent_memory.ports.embedder import EmbedderCapabilities, Kind, Span


class RemoteEmbedder:
    def __init__(self, line: Line) -> None:
        self.line = line
        self.inner = StaticEmbedder()

    @property
    def capabilities(self) -> EmbedderCapabilities:
        return self.inner.capabilities

    @property
    def model(self) -> str:
        return self.inner.model

    @property
    def dimension(self) -> int:
        return self.inner.dimension

    @property
    def ready(self) -> bool:
        return self.inner.ready

    async def __aenter__(self) -> Self:
        await self.inner.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.inner.__aexit__(kind, error, trace)

    async def prepare(self) -> None:
        await self.inner.prepare()

    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]:
        self.line.check()
        return await self.inner.embed(texts, kind=kind)

    async def split(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        return await self.inner.split(texts)


def embedder_harness(kind: type[RemoteEmbedder]) -> CutHarness[RemoteEmbedder]:
    return CutHarness(lambda _, line: kind(line))
