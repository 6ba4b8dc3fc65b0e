"""An upright cache, as a client behind a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import msgspec

from agent_memory.adapters.inprocess.cache import CacheState, InProcessCache
from agent_memory.ports.cache import CacheCapabilities, CacheStats

from .lines import CutHarness, Line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from agent_memory_contract.manual_clock import ManualClock


MAX_BYTES = 64 * 1024


class RemoteCache:
    def __init__(self, clock: ManualClock, line: Line, state: CacheState) -> None:
        self.line = line
        self.failures = 0
        self.owed: list[str] = []
        self.inner = InProcessCache(clock=clock, state=state)

    @property
    def capabilities(self) -> CacheCapabilities:
        return CacheCapabilities(name="remote", shared="process")

    async def __aenter__(self) -> Self:
        await self.inner.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.inner.__aexit__(kind, error, trace)

    async def reaches(self) -> bool:
        """Whether the line is whole. If so, first what was changed while it was cut is removed."""
        self.failures += self.line.is_cut
        while self.owed and not self.line.is_cut:
            await self.inner.clear(prefix=self.owed.pop())
        return not self.line.is_cut

    async def get(self, key: str) -> bytes | None:
        return await self.inner.get(key) if await self.reaches() else None

    async def put(self, key: str, value: bytes, *, ttl: float) -> None:
        if await self.reaches():
            await self.inner.put(key, value, ttl=ttl)
        else:
            self.owed.append(key)

    async def delete(self, key: str) -> None:
        if await self.reaches():
            await self.inner.delete(key)
        else:
            self.owed.append(key)

    async def clear(self, *, prefix: str = "") -> None:
        if await self.reaches():
            await self.inner.clear(prefix=prefix)
        else:
            self.owed.append(prefix)

    async def load(self, key: str, loader: Callable[[], Awaitable[bytes]], *, ttl: float) -> bytes:
        return await (self.inner.load(key, loader, ttl=ttl) if await self.reaches() else loader())

    def stats(self) -> CacheStats:
        return msgspec.structs.replace(self.inner.stats(), failures=self.failures)


class CacheCutHarness(CutHarness[RemoteCache]):
    max_bytes = MAX_BYTES


def cache_harness(kind: type[RemoteCache]) -> CacheCutHarness:
    state = CacheState(max_bytes=MAX_BYTES)
    return CacheCutHarness(lambda clock, line: kind(clock, line, state))
