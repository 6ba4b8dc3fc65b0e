"""Caches that break one promise each."""

from __future__ import annotations

import asyncio
import zlib
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import msgspec

from agent_memory.adapters.inprocess.cache import CacheState

from .registry import breaks
from .remote_cache import MAX_BYTES, RemoteCache

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agent_memory.ports.cache import CacheStats
    from agent_memory_contract.manual_clock import ManualClock

    from .lines import Line


@breaks("CACHE-01")
class KeepsNothing(RemoteCache):
    async def put(self, key: str, value: bytes, *, ttl: float) -> None:
        await self.delete(key)


@breaks("CACHE-02")
class KeysByChecksum(RemoteCache):
    async def put(self, key: str, value: bytes, *, ttl: float) -> None:
        await super().put(str(zlib.crc32(key.encode()) % 4096), value, ttl=ttl)

    async def get(self, key: str) -> bytes | None:
        return await super().get(str(zlib.crc32(key.encode()) % 4096))


@breaks("CACHE-03")
class FoldsKeys(RemoteCache):
    async def put(self, key: str, value: bytes, *, ttl: float) -> None:
        await super().put(key.casefold(), value, ttl=ttl)

    async def get(self, key: str) -> bytes | None:
        return await super().get(key.casefold())


@breaks("CACHE-04")
class FirstPutStays(RemoteCache):
    async def put(self, key: str, value: bytes, *, ttl: float) -> None:
        if await self.get(key) is None:
            await super().put(key, value, ttl=ttl)


@breaks("CACHE-05")
class ForgetsLate(RemoteCache):
    async def put(self, key: str, value: bytes, *, ttl: float) -> None:
        await super().put(key, value, ttl=1.2 * ttl)


@breaks("CACHE-05")
class ForgetsEarly(RemoteCache):
    async def put(self, key: str, value: bytes, *, ttl: float) -> None:
        await super().put(key, value, ttl=0.8 * ttl)


@breaks("CACHE-05")
class KeepsAMomentLonger(RemoteCache):
    async def put(self, key: str, value: bytes, *, ttl: float) -> None:
        await super().put(key, value, ttl=ttl + 0.001 if ttl > 0 else ttl)


@breaks("CACHE-24")
class CountsWhatIsOver(RemoteCache):
    """What ran out goes on to be counted."""

    over = 0

    async def get(self, key: str) -> bytes | None:
        before = super().stats().bytes
        value = await super().get(key)
        self.over += before - super().stats().bytes
        return value

    def stats(self) -> CacheStats:
        stats = super().stats()
        return msgspec.structs.replace(stats, bytes=stats.bytes + self.over)


@breaks("CACHE-24")
class CountsWhatWasCleared(RemoteCache):
    cleared = 0

    async def clear(self, *, prefix: str = "") -> None:
        before = super().stats().bytes
        await super().clear(prefix=prefix)
        self.cleared += before - super().stats().bytes

    def stats(self) -> CacheStats:
        stats = super().stats()
        return msgspec.structs.replace(stats, bytes=stats.bytes + self.cleared)


@breaks("CACHE-06")
class ReadingProlongs(RemoteCache):
    async def put(self, key: str, value: bytes, *, ttl: float) -> None:
        self.ttl = ttl
        await super().put(key, value, ttl=ttl)

    async def get(self, key: str) -> bytes | None:
        value = await super().get(key)
        if value is not None:
            await super().put(key, value, ttl=self.ttl)
        return value


@breaks("CACHE-07")
class DeletesByPrefix(RemoteCache):
    async def delete(self, key: str) -> None:
        await self.clear(prefix=key)


@breaks("CACHE-08")
class ClearsOnlyPrefixes(RemoteCache):
    async def clear(self, *, prefix: str = "") -> None:
        if prefix:
            await super().clear(prefix=prefix)


@breaks("CACHE-09")
class ClearsByPattern(RemoteCache):
    def __init__(self, clock: ManualClock, line: Line, state: CacheState) -> None:
        super().__init__(clock, line, state)
        self.keys: set[str] = set()

    async def put(self, key: str, value: bytes, *, ttl: float) -> None:
        self.keys.add(key)
        await super().put(key, value, ttl=ttl)

    async def clear(self, *, prefix: str = "") -> None:
        for key in self.keys:
            if fnmatchcase(key, prefix + "*"):
                await self.delete(key)


@breaks("CACHE-10")
class TakesTheEmptyForNothing(RemoteCache):
    async def get(self, key: str) -> bytes | None:
        return await super().get(key) or None


@breaks("CACHE-11")
class KeepsText(RemoteCache):
    async def put(self, key: str, value: bytes, *, ttl: float) -> None:
        await super().put(key, value.decode(errors="replace").encode(), ttl=ttl)


@breaks("CACHE-12")
class TakesAnyTtl(RemoteCache):
    async def put(self, key: str, value: bytes, *, ttl: float) -> None:
        if ttl > 0:
            await super().put(key, value, ttl=ttl)


@breaks("CACHE-13", "CACHE-44")
class MakesRoomForTheTooLarge(RemoteCache):
    async def put(self, key: str, value: bytes, *, ttl: float) -> None:
        if len(value) > MAX_BYTES:
            await self.clear()
        await super().put(key, value, ttl=ttl)

    async def load(self, key: str, loader: Callable[[], Awaitable[bytes]], *, ttl: float) -> bytes:
        value = await super().load(key, loader, ttl=ttl)
        await self.put(key, value, ttl=ttl)
        return value


@breaks("CACHE-14")
class PassesOverTheTooLarge(RemoteCache):
    async def put(self, key: str, value: bytes, *, ttl: float) -> None:
        if len(value) <= MAX_BYTES:
            await super().put(key, value, ttl=ttl)


@breaks("CACHE-15")
class HasNoBound(RemoteCache):
    def __init__(self, clock: ManualClock, line: Line, state: CacheState) -> None:
        super().__init__(clock, line, CacheState(max_bytes=100 * MAX_BYTES))


@breaks("CACHE-16")
class DropsTheOldest(RemoteCache):
    def __init__(self, clock: ManualClock, line: Line, state: CacheState) -> None:
        super().__init__(clock, line, state)
        self.order: list[tuple[str, int]] = []

    async def put(self, key: str, value: bytes, *, ttl: float) -> None:
        self.order.append((key, len(value)))
        while sum(size for _, size in self.order) > MAX_BYTES // 2:
            await self.delete(self.order.pop(0)[0])
        await super().put(key, value, ttl=ttl)


@breaks("CACHE-17")
class CountsEveryPut(RemoteCache):
    puts = 0

    async def put(self, key: str, value: bytes, *, ttl: float) -> None:
        self.puts += 1
        await super().put(key, value, ttl=ttl)

    def stats(self) -> CacheStats:
        return msgspec.structs.replace(super().stats(), entries=self.puts)


@breaks("CACHE-18")
class CountsNoMisses(RemoteCache):
    def stats(self) -> CacheStats:
        return msgspec.structs.replace(super().stats(), misses=0)


@breaks("CACHE-19")
class OneCacheForEachClient(RemoteCache):
    def __init__(self, clock: ManualClock, line: Line, state: CacheState) -> None:
        super().__init__(clock, line, CacheState(max_bytes=MAX_BYTES))


@breaks("CACHE-20")
class TrustsWhatItSaw(RemoteCache):
    def __init__(self, clock: ManualClock, line: Line, state: CacheState) -> None:
        super().__init__(clock, line, state)
        self.seen: dict[str, bytes] = {}

    async def get(self, key: str) -> bytes | None:
        if key not in self.seen and (value := await super().get(key)) is not None:
            self.seen[key] = value
        return self.seen.get(key)


@breaks("CACHE-21")
class RaisesWhenCutOff(RemoteCache):
    async def get(self, key: str) -> bytes | None:
        self.line.check()
        return await super().get(key)


@breaks("CACHE-22")
class ForgetsWhatItCouldNotDo(RemoteCache):
    async def reaches(self) -> bool:
        self.owed.clear()
        return await super().reaches()


@breaks("CACHE-31")
class AlwaysLoads(RemoteCache):
    async def load(self, key: str, loader: Callable[[], Awaitable[bytes]], *, ttl: float) -> bytes:
        await self.delete(key)
        return await super().load(key, loader, ttl=ttl)


@breaks("CACHE-32")
class LoadsForGood(RemoteCache):
    async def load(self, key: str, loader: Callable[[], Awaitable[bytes]], *, ttl: float) -> bytes:
        return await super().load(key, loader, ttl=1_000 * ttl)


@breaks("CACHE-34", "CACHE-40", "CACHE-41")
class EachLoadsForItself(RemoteCache):
    async def load(self, key: str, loader: Callable[[], Awaitable[bytes]], *, ttl: float) -> bytes:
        value = await self.get(key)
        if value is None:
            value = await loader()
            await self.put(key, value, ttl=ttl)
        return value


@breaks("CACHE-35", "CACHE-43")
class OneLoadAtATime(RemoteCache):
    def __init__(self, clock: ManualClock, line: Line, state: CacheState) -> None:
        super().__init__(clock, line, state)
        self.turn = asyncio.Lock()

    async def load(self, key: str, loader: Callable[[], Awaitable[bytes]], *, ttl: float) -> bytes:
        async with self.turn:
            return await super().load(key, loader, ttl=ttl)


@breaks("CACHE-36")
class TellsOneOfTheError(RemoteCache):
    told = False

    async def load(self, key: str, loader: Callable[[], Awaitable[bytes]], *, ttl: float) -> bytes:
        try:
            return await super().load(key, loader, ttl=ttl)
        except ValueError:
            if self.told:
                return b""
            self.told = True
            raise


@breaks("CACHE-37")
class KeepsErrors(RemoteCache):
    error: ValueError | None = None

    async def load(self, key: str, loader: Callable[[], Awaitable[bytes]], *, ttl: float) -> bytes:
        if self.error is not None:
            raise self.error
        try:
            return await super().load(key, loader, ttl=ttl)
        except ValueError as error:
            self.error = error
            raise


class SharesTasks(RemoteCache):
    """One task a key, in which all who ask take part until it ends."""

    def __init__(self, clock: ManualClock, line: Line, state: CacheState) -> None:
        super().__init__(clock, line, state)
        self.tasks: dict[str, asyncio.Task[bytes]] = {}

    def task(self, key: str, loader: Callable[[], Awaitable[bytes]], ttl: float) -> asyncio.Task[bytes]:
        if key not in self.tasks:
            self.tasks[key] = asyncio.create_task(self.inner.load(key, loader, ttl=ttl))
            self.tasks[key].add_done_callback(lambda _: self.tasks.pop(key))
        return self.tasks[key]


@breaks("CACHE-38")
class OneCancelledAllCancelled(SharesTasks):
    async def load(self, key: str, loader: Callable[[], Awaitable[bytes]], *, ttl: float) -> bytes:
        return await self.task(key, loader, ttl)


@breaks("CACHE-39", "CACHE-42")
class JoinsWhateverIsUnderWay(SharesTasks):
    async def load(self, key: str, loader: Callable[[], Awaitable[bytes]], *, ttl: float) -> bytes:
        return await asyncio.shield(self.task(key, loader, ttl))


@breaks("CACHE-45", "CACHE-46")
class LoadsApart(RemoteCache):
    """What was loaded is shared, the loading is not."""

    def __init__(self, clock: ManualClock, line: Line, state: CacheState) -> None:
        apart = CacheState(max_bytes=MAX_BYTES)
        apart.store = state.store
        super().__init__(clock, line, apart)
