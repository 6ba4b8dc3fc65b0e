"""What embedders have in common whose model runs in this process."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeVar

from .spans import OVERLAP_TOKENS, spans
from .worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from ...ports.embedder import EmbedderCapabilities, Kind, Span


class LocalModel(Protocol):
    """Used by one thread at a time."""

    def count(self, text: str) -> int:
        """How many tokens the text has."""
        ...

    def embed(self, texts: Sequence[str], kind: Kind) -> list[bytes]:
        """As the port has it."""
        ...


Model = TypeVar("Model", bound=LocalModel)

_SPLIT_AT_ONCE = 65_536
"""Characters. Between calls of about this size, queries are let in."""


class LocalEmbedder(Generic[Model]):
    """`load` opens the model, on a thread. Queries go before documents that wait, and no batch is longer than
    `capabilities.batch`, so a query waits for one batch at most.
    """

    def __init__(
        self,
        load: Callable[[], Model],
        *,
        model: str,
        dimension: int,
        capabilities: EmbedderCapabilities,
        mapped: Callable[[Exception], Exception],
    ) -> None:
        self._worker = Worker(load, name=f"embedder {model}", mapped=mapped)
        self._model = model
        self._dimension = dimension
        self._capabilities = capabilities

    @property
    def capabilities(self) -> EmbedderCapabilities:
        return self._capabilities

    @property
    def model(self) -> str:
        return self._model

    @property
    def dimension(self) -> int:
        return self._dimension

    @property
    def ready(self) -> bool:
        return self._worker.model is not None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._worker.close()

    async def prepare(self) -> None:
        await self._worker.call(lambda _: None, urgent=True)

    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]:
        vectors: list[bytes] = []
        for at in range(0, len(texts), self._capabilities.batch):
            batch = texts[at : at + self._capabilities.batch]
            vectors += await self._worker.call(partial(_embed, batch, kind), urgent=kind == "query")
        return vectors

    async def split(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        limit = self._capabilities.split_tokens
        cut: list[tuple[Span, ...]] = []
        while len(cut) < len(texts):
            batch: list[str] = []
            size = 0
            while len(cut) + len(batch) < len(texts) and (not batch or size < _SPLIT_AT_ONCE):
                batch.append(texts[len(cut) + len(batch)])
                size += len(batch[-1])
            cut += await self._worker.call(partial(_split, batch, limit))
        return cut


def _embed(texts: Sequence[str], kind: Kind, model: LocalModel) -> list[bytes]:
    return model.embed(texts, kind)


def _split(texts: Sequence[str], limit: int, model: LocalModel) -> list[tuple[Span, ...]]:
    return [spans(text, model.count, limit, OVERLAP_TOKENS) for text in texts]
