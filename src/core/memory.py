"""The memory as its users see it: one object over the ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import forget, get, link, recall, remember, update

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..ports.clock import Clock
    from ..ports.storage import Storage
    from .caller import Caller
    from .finder import Finder
    from .requests import Forget, Get, Link, Recall, Remember, Update
    from .results import ForgetResult, GetResult, LinkResult, RecallResult, RememberResult, UpdateResult


class Memory:
    """Every method raises only `PortError`: `Rejected` names the argument at fault, `Conflict` carries what stands in
    the way, `Unavailable` may be tried again. Safe for many tasks at once.
    """

    def __init__(
        self, storage: Storage, clock: Clock, new_id: Callable[[], str], search: Finder | None = None
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._new_id = new_id
        self._search = search

    async def remember(self, request: Remember, caller: Caller) -> RememberResult:
        """Acknowledged means durable: entries, tags, index, events and jobs, all or none."""
        return await remember.remember(
            self._storage, request, caller, now=self._clock.now(), new_id=self._new_id
        )

    async def recall(self, request: Recall, caller: Caller) -> RecallResult:
        return await recall.recall(self._storage, request, caller, now=self._clock.now(), search=self._search)

    async def get(self, request: Get, caller: Caller) -> GetResult:
        return await get.get(self._storage, request, caller)

    async def update(self, request: Update, caller: Caller) -> UpdateResult:
        return await update.update(self._storage, request, caller, now=self._clock.now)

    async def forget(self, request: Forget, caller: Caller) -> ForgetResult:
        result = await forget.forget(self._storage, request, caller, now=self._clock.now())
        if request.purge and self._search is not None:
            await self._search.purged()
        return result

    async def link(self, request: Link, caller: Caller) -> LinkResult:
        return await link.link(self._storage, request, caller, now=self._clock.now())
