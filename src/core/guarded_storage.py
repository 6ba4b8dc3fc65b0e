"""A store behind a circuit breaker: while it does not answer, calls fail at once instead of one by one, slowly."""

from __future__ import annotations

from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime
    from types import TracebackType

    from ..ports.changes import Applied, Change, Once
    from ..ports.queries import (
        EntryFilter,
        EntryQuery,
        Graph,
        GraphQuery,
        Hit,
        JobStats,
        LexicalQuery,
        Outlook,
        Page,
        PendingJob,
        Question,
        ScopeStats,
        Stats,
        Sweep,
        VectorQuery,
    )  # fmt: skip
    from ..ports.records import Entry, Event, Job, JobLease, Relation, Revision, Session, Vector, Vote
    from ..ports.scopes import ScopeFilter
    from ..ports.storage import Maintenance, Storage, StorageCapabilities, UnitOfWork


class GuardedStorage:
    """The `Storage` that it is given, each call within `guard()`, which may refuse it (`CircuitOpen`).

    It opens and closes nothing. `health`, which never raises, asks the store itself. `committed` is called after each
    commit that may have written events; it must not block.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        guard: Callable[[], AbstractAsyncContextManager[None]] | None = None,
        committed: Callable[[], None] | None = None,
    ) -> None:
        self._storage = storage
        self._guard = guard or nullcontext
        self._committed = committed or (lambda: None)

    @property
    def capabilities(self) -> StorageCapabilities:
        return self._storage.capabilities

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def get(self, ids: Sequence[str], *, ceiling: str = "global") -> list[Entry]:
        async with self._guard():
            return await self._storage.get(ids, ceiling=ceiling)

    async def history(self, entry_id: str, *, limit: int = 50, ceiling: str = "global") -> list[Revision]:
        async with self._guard():
            return await self._storage.history(entry_id, limit=limit, ceiling=ceiling)

    async def query(self, query: EntryQuery) -> Page[Entry]:
        async with self._guard():
            return await self._storage.query(query)

    async def search(self, query: LexicalQuery) -> list[Hit]:
        async with self._guard():
            return await self._storage.search(query)

    async def nearest(self, query: VectorQuery) -> list[Hit]:
        async with self._guard():
            return await self._storage.nearest(query)

    async def vectors(self, ids: Sequence[str], *, model: str) -> dict[str, tuple[Vector, ...]]:
        async with self._guard():
            return await self._storage.vectors(ids, model=model)

    async def relations(
        self, ids: Sequence[str], *, limit: int = 200, ceiling: str = "global"
    ) -> list[Relation]:
        async with self._guard():
            return await self._storage.relations(ids, limit=limit, ceiling=ceiling)

    async def walk(self, query: GraphQuery) -> Graph:
        async with self._guard():
            return await self._storage.walk(query)

    async def path(self, query: GraphQuery, target: str) -> list[Relation] | None:
        async with self._guard():
            return await self._storage.path(query, target)

    async def sessions(
        self, where: ScopeFilter, *, open_only: bool = False, limit: int = 50
    ) -> list[Session]:
        async with self._guard():
            return await self._storage.sessions(where, open_only=open_only, limit=limit)

    async def votes(self, scope: str, question: str) -> list[Vote]:
        async with self._guard():
            return await self._storage.votes(scope, question)

    async def sweep_versions(
        self, sweep: Sweep, *, ids: Sequence[str] | None = None, former: bool = True
    ) -> Page[Revision]:
        async with self._guard():
            return await self._storage.sweep_versions(sweep, ids=ids, former=former)

    async def sweep_relations(self, sweep: Sweep) -> Page[Relation]:
        async with self._guard():
            return await self._storage.sweep_relations(sweep)

    async def sweep_sessions(self, sweep: Sweep, *, ids: Sequence[str] | None = None) -> Page[Session]:
        async with self._guard():
            return await self._storage.sweep_sessions(sweep, ids=ids)

    async def sweep_votes(self, sweep: Sweep) -> Page[Vote]:
        async with self._guard():
            return await self._storage.sweep_votes(sweep)

    async def questions(self, where: ScopeFilter, *, limit: int = 50) -> list[Question]:
        async with self._guard():
            return await self._storage.questions(where, limit=limit)

    async def stats(self, where: ScopeFilter) -> Stats:
        async with self._guard():
            return await self._storage.stats(where)

    async def scopes(
        self, *, prefix: str = "", limit: int = 100, ceiling: str = "global"
    ) -> list[ScopeStats]:
        async with self._guard():
            return await self._storage.scopes(prefix=prefix, limit=limit, ceiling=ceiling)

    async def tags(self, where: ScopeFilter, *, prefix: str = "", limit: int = 100) -> list[tuple[str, int]]:
        async with self._guard():
            return await self._storage.tags(where, prefix=prefix, limit=limit)

    async def generation(self, where: ScopeFilter) -> str:
        async with self._guard():
            return await self._storage.generation(where)

    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        async with self._guard():
            applied = await self._storage.apply(*changes, once=once)
        if applied.seq:
            self._committed()
        return applied

    async def outbox(self, after: int, *, limit: int = 500) -> list[Event]:
        async with self._guard():
            return await self._storage.outbox(after, limit=limit)

    async def outbox_head(self) -> int:
        async with self._guard():
            return await self._storage.outbox_head()

    async def trim_outbox(self, up_to: int) -> int:
        async with self._guard():
            return await self._storage.trim_outbox(up_to)

    async def lease_jobs(
        self, kinds: Sequence[str], *, owner: str, ttl: float, limit: int = 1
    ) -> list[JobLease]:
        async with self._guard():
            return await self._storage.lease_jobs(kinds, owner=owner, ttl=ttl, limit=limit)

    async def renew_job(self, lease: JobLease, *, ttl: float) -> JobLease:
        async with self._guard():
            return await self._storage.renew_job(lease, ttl=ttl)

    async def complete_job(self, lease: JobLease, *changes: Change) -> Applied:
        async with self._guard():
            applied = await self._storage.complete_job(lease, *changes)
        if applied.seq:
            self._committed()
        return applied

    async def fail_job(self, lease: JobLease, *, reason: str, retry_in: float) -> bool:
        async with self._guard():
            return await self._storage.fail_job(lease, reason=reason, retry_in=retry_in)

    async def pending_jobs(self, kinds: Sequence[str] = (), *, limit: int = 50) -> list[PendingJob]:
        async with self._guard():
            return await self._storage.pending_jobs(kinds, limit=limit)

    async def dead_jobs(self, *, limit: int = 50) -> list[Job]:
        async with self._guard():
            return await self._storage.dead_jobs(limit=limit)

    async def revive_jobs(self, ids: Sequence[int]) -> int:
        async with self._guard():
            return await self._storage.revive_jobs(ids)

    async def discard_jobs(self, ids: Sequence[int]) -> int:
        async with self._guard():
            return await self._storage.discard_jobs(ids)

    async def job_stats(self) -> JobStats:
        async with self._guard():
            return await self._storage.job_stats()

    async def maintain(self, task: Maintenance) -> None:
        async with self._guard():
            await self._storage.maintain(task)

    async def backup(self, target: str) -> None:
        async with self._guard():
            await self._storage.backup(target)

    async def schema_version(self) -> int:
        async with self._guard():
            return await self._storage.schema_version()

    async def verify(self) -> list[str]:
        async with self._guard():
            return await self._storage.verify()

    async def outlook(self, where: ScopeFilter, *, now: datetime) -> Outlook:
        async with self._guard():
            return await self._storage.outlook(where, now=now)

    def mark(self) -> int | None:
        return self._storage.mark()

    @asynccontextmanager
    async def unit(self) -> AsyncGenerator[UnitOfWork]:
        async with self._guard(), self._storage.unit() as unit:
            yield unit
        self._committed()

    async def scan(self, filter: EntryFilter, *, batch: int = 500) -> AsyncIterator[Entry]:  # noqa: A002
        """Guarded entry by entry: whoever reads slowly says nothing about the store."""
        entries = self._storage.scan(filter, batch=batch)
        try:
            while True:
                async with self._guard():
                    entry = await anext(entries, None)
                if entry is None:
                    return
                yield entry
        finally:
            close = getattr(entries, "aclose", None)
            if close is not None:
                await close()

    async def health(self) -> dict[str, object]:
        return await self._storage.health()
