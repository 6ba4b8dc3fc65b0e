"""Saboteurs of STORAGE-230 to STORAGE-262: keys used twice, starts and ends that lose things, wrong counts."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Self

import msgspec

from agent_memory.ports.changes import Applied
from agent_memory.ports.errors import Misconfigured, PortError, Unavailable
from agent_memory_contract.storage_reads import ALL_SCOPES, WHATEVER, matches

from .storage_registry import breaks
from .storage_wrapper import Wrapper

if TYPE_CHECKING:
    from types import TracebackType

    from agent_memory.ports.changes import Change, Once
    from agent_memory.ports.queries import ScopeStats, Stats
    from agent_memory.ports.records import Revision
    from agent_memory.ports.scopes import ScopeFilter
    from agent_memory.ports.storage import Storage


@breaks(230, 231, 232, 233, 234, 235)
class IgnoresTheKey(Wrapper):
    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        return await self.inner.apply(*changes)


@breaks(230)
class ReplaysWithoutSaying(Wrapper):
    def answered(self, applied: Applied) -> Applied:
        return msgspec.structs.replace(applied, replayed=False)


@breaks(231)
class DoesItAgain(Wrapper):
    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        applied = await self.inner.apply(*changes, once=once)
        if applied.replayed:
            await self.inner.apply(*changes)
        return applied


@breaks(232)
class IgnoresTheDigest(Wrapper):
    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        return await self.inner.apply(*changes, once=once and msgspec.structs.replace(once, digest=b""))


@breaks(232)
class FoldsKeys(Wrapper):
    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        return await self.inner.apply(
            *changes, once=once and msgspec.structs.replace(once, key=once.key.casefold())
        )


@breaks(233, 234, 237)
class RemembersKeysItself(Wrapper):
    def __init__(self, inner: Storage) -> None:
        super().__init__(inner)
        self.done: dict[str, Applied] = {}

    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        if once and once.key in self.done:
            return msgspec.structs.replace(self.done[once.key], replayed=True)
        applied = await self.inner.apply(*changes)
        if once:
            self.done[once.key] = applied
        return applied


@breaks(235)
class NeverForgetsAKey(Wrapper):
    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        if once:
            once = msgspec.structs.replace(once, keep_until=once.keep_until + timedelta(days=999))
        return await self.inner.apply(*changes, once=once)


@breaks(235)
class ForgetsAKeyTooSoon(Wrapper):
    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        if once:
            once = msgspec.structs.replace(once, keep_until=once.at + timedelta(seconds=1))
        return await self.inner.apply(*changes, once=once)


@breaks(236)
class KeepsTheKeyOfAFailure(Wrapper):
    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        try:
            return await self.inner.apply(*changes, once=once)
        except PortError:
            await self.inner.apply(once=once)
            raise


@breaks(240)
class ForgetsEventsWhenLeft(Wrapper):
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.inner.trim_outbox(await self.inner.outbox_head())
        await self.inner.__aexit__(kind, error, trace)


@breaks(241)
class StartsAlone(Wrapper):
    starting: ClassVar[set[int]] = set()

    async def __aenter__(self) -> Self:
        if self.starting:
            raise Unavailable("database is locked")
        self.starting.add(id(self))
        try:
            return await super().__aenter__()
        finally:
            self.starting.discard(id(self))


@breaks(242)
class StartsRegardless(Wrapper):
    """It writes nothing, but it does not say so either."""

    refused = False

    async def __aenter__(self) -> Self:
        try:
            await self.inner.__aenter__()
        except Misconfigured:
            self.refused = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.refused:
            await self.inner.__aexit__(kind, error, trace)

    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        return Applied(()) if self.refused else await self.inner.apply(*changes, once=once)


@breaks(243)
class HasNoVersion(Wrapper):
    async def schema_version(self) -> int:
        return 0


@breaks(243)
class CountsVersionsByStart(Wrapper):
    async def schema_version(self) -> int:
        return id(self)


@breaks(244)
class SaysNothingOfItsHealth(Wrapper):
    async def health(self) -> dict[str, object]:
        return {**await self.inner.health(), "connected": None}


@breaks(245, 260, 261, 262)
class FindsFault(Wrapper):
    async def verify(self) -> list[str]:
        gone = [e for e in await matches(self.inner, WHATEVER) if e.state != "active"]
        return [f"{e.id} is in no index" for e in gone]


@breaks(246)
class BreaksWhatIsUnderWay(Wrapper):
    left = False

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.left = True
        await self.inner.__aexit__(kind, error, trace)

    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        applied = await self.inner.apply(*changes, once=once)
        if self.left:
            raise RuntimeError("Cannot operate on a closed database.")
        return applied


@breaks(250)
class CountsEveryState(Wrapper):
    async def stats(self, where: ScopeFilter) -> Stats:
        stats = await self.inner.stats(where)
        return msgspec.structs.replace(stats, entries=sum(stats.by_state.values()))


@breaks(250)
class CountsTheActive(Wrapper):
    async def stats(self, where: ScopeFilter) -> Stats:
        stats = await self.inner.stats(where)
        return msgspec.structs.replace(stats, by_state={"active": stats.entries})


@breaks(251)
class CountsEverywhere(Wrapper):
    async def stats(self, where: ScopeFilter) -> Stats:
        return await self.inner.stats(ALL_SCOPES)


@breaks(252)
class TellsTheFullestScopeFirst(Wrapper):
    async def scopes(
        self, *, prefix: str = "", limit: int = 100, ceiling: str = "global"
    ) -> list[ScopeStats]:
        found = await self.inner.scopes(prefix=prefix, ceiling=ceiling)
        return sorted(found, key=lambda stats: -stats.entries)[:limit]


@breaks(253)
class LimitsScopesFirst(Wrapper):
    async def scopes(
        self, *, prefix: str = "", limit: int = 100, ceiling: str = "global"
    ) -> list[ScopeStats]:
        found = await self.inner.scopes(limit=limit, ceiling=ceiling)
        return [stats for stats in found if stats.scope.startswith(prefix)]


@breaks(253)
class TellsScopesAboveTheCeiling(Wrapper):
    async def scopes(
        self, *, prefix: str = "", limit: int = 100, ceiling: str = "global"
    ) -> list[ScopeStats]:
        return await self.inner.scopes(prefix=prefix, limit=limit)


@breaks(254)
class OrdersTagsByName(Wrapper):
    async def tags(self, where: ScopeFilter, *, prefix: str = "", limit: int = 100) -> list[tuple[str, int]]:
        return sorted(await self.inner.tags(where, prefix=prefix))[:limit]


@breaks(255)
class CountsTagsOfEveryState(Wrapper):
    async def tags(self, where: ScopeFilter, *, prefix: str = "", limit: int = 100) -> list[tuple[str, int]]:
        counts = Counter(tag for e in await matches(self.inner, WHATEVER) for tag in e.tags)
        return counts.most_common(limit)


@breaks(256)
class LimitsTagsFirst(Wrapper):
    async def tags(self, where: ScopeFilter, *, prefix: str = "", limit: int = 100) -> list[tuple[str, int]]:
        found = await self.inner.tags(where, limit=limit)
        return [(tag, count) for tag, count in found if tag.startswith(prefix)]


@breaks(260)
class ForgetsTheFirstRevision(Wrapper):
    async def history(self, entry_id: str, *, limit: int = 50, ceiling: str = "global") -> list[Revision]:
        past = await self.inner.history(entry_id, limit=limit, ceiling=ceiling)
        return past[:3]
