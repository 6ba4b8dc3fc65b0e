"""A Storage that passes everything on to another one: what saboteurs are made from."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

import msgspec

from agent_memory.ports.storage import Reader, Storage, StorageCapabilities, UnitOfWork

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence
    from datetime import datetime
    from types import TracebackType

    from agent_memory.ports.changes import Applied, Change, Once
    from agent_memory.ports.queries import (
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
    )
    from agent_memory.ports.records import (
        Entry,
        Event,
        Job,
        JobLease,
        Relation,
        Revision,
        Session,
        Vector,
        Vote,
    )
    from agent_memory.ports.scopes import ScopeFilter
    from agent_memory.ports.storage import Maintenance


class WrappedReader(Reader):
    """Override a read, or `asked` and `shown` to bend every filter and every entry."""

    def __init__(self, inner: Reader) -> None:
        self.reads = inner

    def asked(self, asked: EntryFilter) -> EntryFilter:
        return asked

    def shown(self, entry: Entry) -> Entry:
        return entry

    def _hits(self, hits: list[Hit]) -> list[Hit]:
        return [msgspec.structs.replace(hit, entry=self.shown(hit.entry)) for hit in hits]

    async def get(self, ids: Sequence[str], *, ceiling: str = "global") -> list[Entry]:
        return [self.shown(entry) for entry in await self.reads.get(ids, ceiling=ceiling)]

    async def history(self, entry_id: str, *, limit: int = 50, ceiling: str = "global") -> list[Revision]:
        return await self.reads.history(entry_id, limit=limit, ceiling=ceiling)

    async def query(self, query: EntryQuery) -> Page[Entry]:
        page = await self.reads.query(msgspec.structs.replace(query, filter=self.asked(query.filter)))
        return msgspec.structs.replace(page, items=tuple(self.shown(entry) for entry in page.items))

    async def search(self, query: LexicalQuery) -> list[Hit]:
        return self._hits(
            await self.reads.search(msgspec.structs.replace(query, filter=self.asked(query.filter)))
        )

    async def nearest(self, query: VectorQuery) -> list[Hit]:
        return self._hits(
            await self.reads.nearest(msgspec.structs.replace(query, filter=self.asked(query.filter)))
        )

    async def vectors(self, ids: Sequence[str], *, model: str) -> dict[str, tuple[Vector, ...]]:
        return await self.reads.vectors(ids, model=model)

    async def relations(
        self, ids: Sequence[str], *, limit: int = 200, ceiling: str = "global"
    ) -> list[Relation]:
        return await self.reads.relations(ids, limit=limit, ceiling=ceiling)

    async def walk(self, query: GraphQuery) -> Graph:
        return await self.reads.walk(query)

    async def path(self, query: GraphQuery, target: str) -> list[Relation] | None:
        return await self.reads.path(query, target)

    async def sessions(
        self, where: ScopeFilter, *, open_only: bool = False, limit: int = 50
    ) -> list[Session]:
        return await self.reads.sessions(where, open_only=open_only, limit=limit)

    async def votes(self, scope: str, question: str) -> list[Vote]:
        return await self.reads.votes(scope, question)

    async def sweep_versions(
        self, sweep: Sweep, *, ids: Sequence[str] | None = None, former: bool = True
    ) -> Page[Revision]:
        return await self.reads.sweep_versions(sweep, ids=ids, former=former)

    async def sweep_relations(self, sweep: Sweep) -> Page[Relation]:
        return await self.reads.sweep_relations(sweep)

    async def sweep_sessions(self, sweep: Sweep, *, ids: Sequence[str] | None = None) -> Page[Session]:
        return await self.reads.sweep_sessions(sweep, ids=ids)

    async def sweep_votes(self, sweep: Sweep) -> Page[Vote]:
        return await self.reads.sweep_votes(sweep)

    async def questions(self, where: ScopeFilter, *, limit: int = 50) -> list[Question]:
        return await self.reads.questions(where, limit=limit)

    async def stats(self, where: ScopeFilter) -> Stats:
        return await self.reads.stats(where)

    async def scopes(
        self, *, prefix: str = "", limit: int = 100, ceiling: str = "global"
    ) -> list[ScopeStats]:
        return await self.reads.scopes(prefix=prefix, limit=limit, ceiling=ceiling)

    async def tags(self, where: ScopeFilter, *, prefix: str = "", limit: int = 100) -> list[tuple[str, int]]:
        return await self.reads.tags(where, prefix=prefix, limit=limit)

    async def generation(self, where: ScopeFilter) -> str:
        return await self.reads.generation(where)

    async def outlook(self, where: ScopeFilter, *, now: datetime) -> Outlook:
        return await self.reads.outlook(where, now=now)


class WrappedUnit(WrappedReader, UnitOfWork):
    """`whole` is the saboteur that it belongs to."""

    def __init__(self, inner: UnitOfWork, whole: Wrapper) -> None:
        super().__init__(inner)
        self.inner = inner
        self.whole = whole

    async def apply(self, *changes: Change) -> Applied:
        return self.whole.answered(await self.inner.apply(*await self.whole.written(changes)))


class Wrapper(WrappedReader, Storage):
    """Override a method, or `written` and `answered` to bend every write and its answer."""

    def __init__(self, inner: Storage) -> None:
        super().__init__(inner)
        self.inner = inner

    async def written(self, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        return tuple([await self.rewritten(change) for change in changes])

    async def rewritten(self, change: Change) -> Change:
        return change

    def answered(self, applied: Applied) -> Applied:
        return applied

    @property
    def capabilities(self) -> StorageCapabilities:
        return self.inner.capabilities

    async def __aenter__(self) -> Self:
        await self.inner.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.inner.__aexit__(kind, error, trace)

    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        return self.answered(await self.inner.apply(*await self.written(changes), once=once))

    def mark(self) -> int | None:
        return self.inner.mark()

    @asynccontextmanager
    async def unit(self) -> AsyncGenerator[UnitOfWork]:
        async with self.inner.unit() as unit:
            yield WrappedUnit(unit, self)

    async def scan(self, filter: EntryFilter, *, batch: int = 500) -> AsyncIterator[Entry]:  # noqa: A002 (the port's name)
        async for entry in self.inner.scan(self.asked(filter), batch=batch):
            yield self.shown(entry)

    async def outbox(self, after: int, *, limit: int = 500) -> list[Event]:
        return await self.inner.outbox(after, limit=limit)

    async def outbox_head(self) -> int:
        return await self.inner.outbox_head()

    async def trim_outbox(self, up_to: int) -> int:
        return await self.inner.trim_outbox(up_to)

    async def lease_jobs(
        self, kinds: Sequence[str], *, owner: str, ttl: float, limit: int = 1
    ) -> list[JobLease]:
        return await self.inner.lease_jobs(kinds, owner=owner, ttl=ttl, limit=limit)

    async def renew_job(self, lease: JobLease, *, ttl: float) -> JobLease:
        return await self.inner.renew_job(lease, ttl=ttl)

    async def complete_job(self, lease: JobLease, *changes: Change) -> Applied:
        return self.answered(await self.inner.complete_job(lease, *await self.written(changes)))

    async def fail_job(self, lease: JobLease, *, reason: str, retry_in: float) -> bool:
        return await self.inner.fail_job(lease, reason=reason, retry_in=retry_in)

    async def pending_jobs(self, kinds: Sequence[str] = (), *, limit: int = 50) -> list[PendingJob]:
        return await self.inner.pending_jobs(kinds, limit=limit)

    async def dead_jobs(self, *, limit: int = 50) -> list[Job]:
        return await self.inner.dead_jobs(limit=limit)

    async def revive_jobs(self, ids: Sequence[int]) -> int:
        return await self.inner.revive_jobs(ids)

    async def discard_jobs(self, ids: Sequence[int]) -> int:
        return await self.inner.discard_jobs(ids)

    async def job_stats(self) -> JobStats:
        return await self.inner.job_stats()

    async def maintain(self, task: Maintenance) -> None:
        await self.inner.maintain(task)

    async def backup(self, target: str) -> None:
        await self.inner.backup(target)

    async def schema_version(self) -> int:
        return await self.inner.schema_version()

    async def verify(self) -> list[str]:
        return await self.inner.verify()

    async def health(self) -> dict[str, object]:
        return await self.inner.health()
