"""Embedders that break one promise each, in how they serve calls and cut texts."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from typing import TYPE_CHECKING

from agent_memory.adapters.embedders.static import DIMENSION
from agent_memory.ports.embedder import Span
from agent_memory.ports.errors import Unavailable

from .registry import breaks
from .remote_embedder import RemoteEmbedder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from agent_memory.ports.embedder import Kind

    from .lines import Line

_NEVER = 3_600.0


@breaks("EMB-21")
class AnswersTheLastCaller(RemoteEmbedder):
    """What a call is about lies in the adapter."""

    texts: Sequence[str] = ()

    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]:
        self.texts = texts
        await asyncio.sleep(0)
        return await super().embed(self.texts, kind=kind)


@breaks("EMB-22")
class LosesATurn(RemoteEmbedder):
    """A call that is cancelled keeps the only turn."""

    def __init__(self, line: Line) -> None:
        super().__init__(line)
        self.turn = asyncio.Semaphore(1)

    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]:
        await self.turn.acquire()
        found = await super().embed(texts, kind=kind)
        self.turn.release()
        return found


@breaks("EMB-22")
class FinishesFirst(RemoteEmbedder):
    """Cancellation is swallowed."""

    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]:
        work = asyncio.ensure_future(super().embed(texts, kind=kind))
        while not work.done():
            try:
                await asyncio.wait([work])
            except asyncio.CancelledError:
                continue
        return work.result()


@breaks("EMB-23")
class LoadsForTheFirst(RemoteEmbedder):
    """Everyone waits for one load, and it is the first caller's own."""

    def __init__(self, line: Line) -> None:
        super().__init__(line)
        self.load: asyncio.Task[None] | None = None

    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]:
        if self.load is None:
            self.load = asyncio.create_task(self.prepare())
        await self.load
        return await super().embed(texts, kind=kind)


@breaks("EMB-24")
class IsNeverReady(RemoteEmbedder):
    @property
    def ready(self) -> bool:
        return False


@breaks("EMB-25")
class LoadsOnTheLoop(RemoteEmbedder):
    async def prepare(self) -> None:
        time.sleep(0.05)  # noqa: ASYNC251 - as a larger model takes
        worker = self.inner._worker  # pyright: ignore[reportPrivateUsage]
        worker.model = worker._load()  # pyright: ignore[reportPrivateUsage]


@breaks("EMB-25")
class WorksOnTheLoop(RemoteEmbedder):
    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]:
        await self.prepare()
        model = self.inner._worker.model  # pyright: ignore[reportPrivateUsage]
        assert model is not None
        return model.embed(texts, kind)


@breaks("EMB-25")
class CutsOnTheLoop(RemoteEmbedder):
    async def split(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        time.sleep(0.05)  # noqa: ASYNC251 - what it is there for
        return [(Span(0, len(text)),) for text in texts]


@breaks("EMB-27")
class GivesNothingInstead(RemoteEmbedder):
    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]:
        if self.line.is_cut:
            return [b"\x00\x00\x80\x3f" + bytes(4 * (DIMENSION - 1))] * len(texts)
        return await super().embed(texts, kind=kind)


@breaks("EMB-28")
class GivesUpForGood(RemoteEmbedder):
    failed = False

    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]:
        self.failed |= self.line.is_cut
        if self.failed:
            raise Unavailable("it failed before")
        return await super().embed(texts, kind=kind)


@breaks("EMB-29")
class LeavesCallersWaiting(RemoteEmbedder):
    over = False

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over = True
        await super().__aexit__(kind, error, trace)

    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]:
        if self.over:
            await asyncio.sleep(_NEVER)
        return await super().embed(texts, kind=kind)


@breaks("EMB-41")
class TrimsSpans(RemoteEmbedder):
    async def split(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        cut = await super().split(texts)
        return [
            (Span(len(text) - len(text.lstrip()), len(text.rstrip())),) if len(spans) == 1 else spans
            for text, spans in zip(texts, cut, strict=True)
        ]


@breaks("EMB-42")
class CutsBlanks(RemoteEmbedder):
    async def split(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        cut = await super().split(texts)
        return [spans or (Span(0, len(text)),) for text, spans in zip(texts, cut, strict=True)]


@breaks("EMB-43")
class CutsWithoutOverlap(RemoteEmbedder):
    async def split(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        return [
            tuple(
                Span(span.start, spans[place + 1].start if place + 1 < len(spans) else span.end)
                for place, span in enumerate(spans)
            )
            for spans in await super().split(texts)
        ]


@breaks("EMB-43")
class LosesTheEnd(RemoteEmbedder):
    async def split(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        return [spans if len(spans) == 1 else spans[:-1] for spans in await super().split(texts)]


@breaks("EMB-44")
class CutsLongTextsCoarsely(RemoteEmbedder):
    async def split(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        return [
            spans if len(spans) < 4 else tuple(Span(a.start, b.end) for a, b in pairwise(spans))
            for spans in await super().split(texts)
        ]


@breaks("EMB-46")
class CutsAtBlanksOnly(RemoteEmbedder):
    async def split(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        cut = await super().split(texts)
        return [
            spans if " " in text or not spans else (Span(0, len(text)),)
            for text, spans in zip(texts, cut, strict=True)
        ]


@breaks("EMB-45")
class CutsByCharacters(RemoteEmbedder):
    async def split(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        return [
            tuple(Span(at, min(len(text), at + 240)) for at in range(0, len(text), 200)) for text in texts
        ]
