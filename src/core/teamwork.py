"""What agents do together, beside remembering: sessions, votes, and the context that they start from."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from . import context, sessions, votes
from .belonging import check_belonging

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ..ports.clock import Clock
    from ..ports.storage import Storage
    from .answers import Answers
    from .caller import Caller
    from .file_lock import FileLocks
    from .finder import Finder
    from .redaction.cleaning import Cleaner, Said
    from .requests_team import ContextCall, SessionCall, VoteCall
    from .results_team import ContextResult, SessionResult, VoteResult


class Teamwork:
    """Every method raises only `PortError`. Safe for many tasks at once."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        new_id: Callable[[], str],
        locks: FileLocks,
        *,
        search: Finder | None = None,
        answers: Answers | None = None,
        cleaner: Cleaner | None = None,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._new_id = new_id
        self._locks = locks
        self._search = search
        self._answers = answers
        self._cleaner = cleaner

    async def session(self, request: SessionCall, caller: Caller) -> SessionResult:
        said: Said = ()
        check_belonging(request, request.action)
        writes = request.action in {"begin", "end"}
        if self._cleaner is not None:
            self._cleaner.refuse_secrets(("scope", request.scope), ("agent_id", request.agent_id))
            request, said = await self._cleaner.session(request)
        with self._writing(writes):
            result = await sessions.session(
                self._storage, request, caller, now=self._clock.now(), new_id=self._new_id
            )
        return msgspec.structs.replace(result, redacted=said) if writes and said else result

    async def vote(self, request: VoteCall, caller: Caller) -> VoteResult:
        said: Said = ()
        check_belonging(request, request.action)
        writes = request.action == "cast"
        if self._cleaner is not None:
            self._cleaner.refuse_secrets(("scope", request.scope), ("agent_id", request.agent_id))
            request, said = await self._cleaner.vote(request)
        with self._writing(writes):
            result = await votes.vote(self._storage, request, caller, now=self._clock.now())
        return msgspec.structs.replace(result, redacted=said) if writes and said else result

    async def context(self, request: ContextCall, caller: Caller) -> ContextResult:
        if self._cleaner is not None:
            self._cleaner.refuse_secrets(("scope", request.scope))
        return await context.context(
            self._storage,
            request,
            caller,
            now=self._clock.now(),
            locks=self._locks,
            search=self._search,
        )

    @contextmanager
    def _writing(self, writes: bool) -> Generator[None]:  # noqa: FBT001 - one of two
        """As in `Memory`: who writes reads what it wrote, after an error too."""
        try:
            yield
        finally:
            if writes and self._answers is not None:
                self._answers.wrote()
