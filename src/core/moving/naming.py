"""Under which id a record of an import is kept.

An id is one in the whole store, so whoever sees a part of it could learn by an import whether an id is taken elsewhere.
Under a ceiling a record therefore never takes the id that it came with, unless that one stands in sight: it gets one of
its own, which follows from both and from nothing that the caller cannot see. The same import finds it again.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

from ...ports.queries import Sweep
from ...ports.scopes import GLOBAL, ScopeFilter
from ..ids import uuid7

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ...ports.records import Entry, Session
    from ...ports.storage import Storage
    from .grouping import Whole


class _Standing(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_Standing)

_EVERYWHERE = ScopeFilter(descendants=True)


def own_id(given: str, ceiling: str) -> str:
    """Of the same millisecond as `given`, a UUIDv7 in canonical text: what was earlier stays so."""
    digest = blake2b(f"{ceiling}\n{given}".encode(), digest_size=16).digest()
    return uuid7(int(given.replace("-", "")[:12], 16), int.from_bytes(digest) >> 54)


def under(whole: Whole, entry_id: str) -> Whole:
    if whole.entry.id == entry_id:
        return whole
    replace = msgspec.structs.replace
    former = tuple(replace(past, entry=replace(past.entry, id=entry_id)) for past in whole.former)
    return replace(whole, entry=replace(whole.entry, id=entry_id), former=former)


class Naming:
    """Each method: what a record of each id is called here, and what stands under those names, in sight or not."""

    def __init__(self, storage: Storage, ceiling: str) -> None:
        self._storage = storage
        self._ceiling = ceiling
        self._seen = ScopeFilter(scope=ceiling, inherit=False, descendants=True, ceiling=ceiling)

    async def entries(self, ids: Sequence[str]) -> tuple[dict[str, str], dict[str, Entry]]:
        return await self._named(ids, self._entries)

    async def sessions(self, ids: Sequence[str]) -> tuple[dict[str, str], dict[str, Session]]:
        return await self._named(ids, self._sessions)

    async def _named(
        self, ids: Sequence[str], find: Callable[[ScopeFilter, Sequence[str]], Awaitable[list[T]]]
    ) -> tuple[dict[str, str], dict[str, T]]:
        standing = {one.id: one for one in await find(self._seen, ids)}
        if self._ceiling == GLOBAL:
            return {one: one for one in ids}, standing
        named = {one: one if one in standing else own_id(one, self._ceiling) for one in ids}
        fresh = [name for name in named.values() if name not in standing]
        if fresh:
            standing.update((one.id, one) for one in await find(_EVERYWHERE, fresh))
        return named, standing

    async def _entries(self, where: ScopeFilter, ids: Sequence[str]) -> list[Entry]:
        sweep = Sweep(where=where, limit=max(1, len(ids)))
        page = await self._storage.sweep_versions(sweep, ids=list(ids), former=False)
        return [revision.entry for revision in page.items]

    async def _sessions(self, where: ScopeFilter, ids: Sequence[str]) -> list[Session]:
        page = await self._storage.sweep_sessions(Sweep(where=where, limit=max(1, len(ids))), ids=list(ids))
        return list(page.items)
