"""The memory as its users see it: one object over the ports."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from . import forget, get, link, recall, remember, update
from .belonging import check_belonging
from .times import ZONES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from ..ports.clock import Clock
    from ..ports.storage import Storage
    from .answers import Answers
    from .caller import Caller
    from .finder import Finder
    from .periods.period import Zones
    from .redaction.cleaning import Cleaner
    from .requests import Forget, Get, Link, Recall, Remember, Update
    from .results import ForgetResult, GetResult, LinkResult, RecallResult, RememberResult, UpdateResult


class Memory:
    """Every method raises only `PortError`: `Rejected` names the argument at fault, `Conflict` carries what stands in
    the way, `Unavailable` may be tried again. Safe for many tasks at once.

    With `cleaner`, secrets are taken out of what is stored. With `answers`, what was asked before and has not changed
    since is not worked out again.
    """

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        new_id: Callable[[], str],
        *,
        search: Finder | None = None,
        answers: Answers | None = None,
        zones: Zones = ZONES,
        cleaner: Cleaner | None = None,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._new_id = new_id
        self._search = search
        self._answers = answers
        self._zones = zones
        self._cleaner = cleaner

    async def remember(self, request: Remember, caller: Caller) -> RememberResult:
        """Acknowledged means durable: entries, tags, index, events and jobs, all or none."""
        with self._writing():
            return await remember.remember(
                self._storage,
                request,
                caller,
                now=self._clock.now(),
                new_id=self._new_id,
                search=self._search,
                zones=self._zones,
                cleaner=self._cleaner,
            )

    async def recall(self, request: Recall, caller: Caller) -> RecallResult:
        now = self._clock.now()
        # Before answers are looked for: "yesterday" is another day tomorrow.
        asked = recall.settled(request, now, self._zones)

        def find() -> Awaitable[RecallResult]:
            return recall.recall(
                self._storage, asked, caller, now=now, search=self._search, zones=self._zones
            )

        return await (find() if self._answers is None else self._answers.recall(asked, caller, now, find))

    async def get(self, request: Get, caller: Caller) -> GetResult:
        def read() -> Awaitable[GetResult]:
            return get.get(self._storage, request, caller)

        return await (read() if self._answers is None else self._answers.get(request, caller, read))

    async def update(self, request: Update, caller: Caller) -> UpdateResult:
        with self._writing():
            return await update.update(
                self._storage,
                request,
                caller,
                now=self._clock.now,
                zones=self._zones,
                cleaner=self._cleaner,
            )

    async def forget(self, request: Forget, caller: Caller) -> ForgetResult:
        with self._writing():
            result = await forget.forget(
                self._storage, request, caller, now=self._clock.now(), zones=self._zones
            )
        if request.purge and self._search is not None:
            await self._search.purged()
        return result

    async def link(self, request: Link, caller: Caller) -> LinkResult:
        check_belonging(request, request.action)
        if self._cleaner is not None:
            self._cleaner.refuse_secrets(("agent_id", request.agent_id))
        with self._writing():
            return await link.link(self._storage, request, caller, now=self._clock.now())

    @contextmanager
    def _writing(self) -> Generator[None]:
        """Around every call that may write: its caller then reads what it wrote. After an error too: it may have."""
        try:
            yield
        finally:
            if self._answers is not None:
                self._answers.wrote()
