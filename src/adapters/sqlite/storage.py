"""The Storage port on one SQLite file."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

import msgspec

from ...ports.queries import EntryQuery
from ...ports.storage import StorageCapabilities
from . import jobs, outbox
from .apply import apply, apply_once, check_once, prepare
from .backup import Copying
from .connection import Synchronous, connect_reader, connect_sweeper
from .lane import Lane
from .loop_connection import LoopConnection
from .loop_reads import LoopReads
from .maintenance import maintain
from .mark import ChangeMark
from .pages import check_limit
from .reading import SqliteReader
from .start import Schema, open_writer
from .unit import SqliteUnit
from .verify import verify
from .writer import Writer

if TYPE_CHECKING:
    import os
    import sqlite3
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from ...ports.changes import Applied, Change, Once
    from ...ports.clock import Clock
    from ...ports.queries import EntryFilter, JobStats, PendingJob
    from ...ports.records import Entry, Event, Job, JobLease
    from ...ports.storage import Maintenance
    from .transaction import Transaction

T = TypeVar("T")

SCHEMA = Schema(Path(__file__).parent / "migrations", 0x41674D65)
_CAPABILITIES = StorageCapabilities(
    name="sqlite",
    durable=True,
    shared="host",
    vectors="exact",
    concurrent_units=False,
    marks=True,
    backups=True,
    settles=True,
)
_POINT_READS = 64


class SqliteStorage(SqliteReader):
    """One thread writes, one answers point reads, one searches, one sweeps; each starts when it is first needed. Brief
    reads are made on the event loop as long as they are quick.

    `origin` names this instance in its events. Seconds, in real time whatever `clock` says: `busy_timeout` is how long
    other processes are waited for, `unit_idle_timeout` how long an open unit may do nothing, `loop_limit` how long a
    read may take on the loop before the next ones go to a thread for a while; 0: all go to a thread.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        clock: Clock,
        origin: str,
        busy_timeout: float = 5.0,
        synchronous: Synchronous = "FULL",
        unit_idle_timeout: float = 5.0,
        loop_limit: float = 0.001,
    ) -> None:
        self._path = Path(path)
        self._clock = clock
        name = self._path.name
        self._writer = Writer(
            self._path,
            partial(open_writer, self._path, SCHEMA, synchronous=synchronous, busy_timeout=busy_timeout),
            clock=clock,
            origin=origin,
            busy_timeout=busy_timeout,
            idle_timeout=unit_idle_timeout,
        )
        open_ = partial(connect_reader, self._path, busy_timeout=busy_timeout)
        self._points = Lane(open_, name=name, together=_POINT_READS)
        self._searches = Lane(open_, name=name, together=1)
        self._sweeps = Lane(
            partial(connect_sweeper, self._path, busy_timeout=busy_timeout), name=name, together=1
        )
        self._on_loop = LoopConnection(self._path, self._points)
        self._mark = ChangeMark(self._on_loop)
        self._loop_reads = LoopReads(self._on_loop, limit=loop_limit)
        self._stack = AsyncExitStack()

    @property
    def capabilities(self) -> StorageCapabilities:
        return _CAPABILITIES

    async def __aenter__(self) -> Self:
        await self._writer.start()
        self._stack.push_async_callback(self._writer.close)
        self._stack.push_async_callback(self._points.close)
        self._stack.push_async_callback(self._searches.close)
        self._stack.push_async_callback(self._sweeps.close)
        self._on_loop.start()
        self._stack.callback(self._on_loop.close)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        prepared = prepare(changes)
        if once is None:
            return await self._writer.submit(lambda transaction: apply(transaction, prepared))
        check_once(once)
        return await self._writer.submit(lambda transaction: apply_once(transaction, prepared, once))

    def mark(self) -> int | None:
        return self._mark.read()

    def unit(self) -> AbstractAsyncContextManager[SqliteUnit]:
        return SqliteUnit(self._writer.turn())

    async def scan(self, filter: EntryFilter, *, batch: int = 500) -> AsyncIterator[Entry]:  # noqa: A002 - the port's name
        query = EntryQuery(filter=filter, order="oldest", limit=batch)
        while True:
            page = await self.query(query)
            for entry in page.items:
                yield entry
            if page.cursor is None:
                return
            query = msgspec.structs.replace(query, cursor=page.cursor)

    async def outbox(self, after: int, *, limit: int = 500) -> list[Event]:
        check_limit(limit)
        return await self._read(partial(outbox.events, after=after, limit=limit), brief=True)

    async def outbox_head(self) -> int:
        return await self._read(outbox.head, brief=True)

    async def trim_outbox(self, up_to: int) -> int:
        return await self._writer.submit(lambda transaction: outbox.trim(transaction, up_to))

    async def lease_jobs(
        self, kinds: Sequence[str], *, owner: str, ttl: float, limit: int = 1
    ) -> list[JobLease]:
        check_limit(limit)
        jobs.check_ttl(ttl)
        if not await self._read(partial(jobs.any_due, kinds=kinds, now=self._clock.now())):
            return []
        return await self._writer.submit(
            lambda transaction: jobs.lease(transaction, kinds, owner, ttl, limit)
        )

    async def renew_job(self, lease: JobLease, *, ttl: float) -> JobLease:
        jobs.check_ttl(ttl)
        return await self._writer.submit(lambda transaction: jobs.renew(transaction, lease, ttl))

    async def complete_job(self, lease: JobLease, *changes: Change) -> Applied:
        prepared = prepare(changes)

        def work(transaction: Transaction) -> Applied:
            jobs.complete(transaction, lease)
            return apply(transaction, prepared)

        return await self._writer.submit(work)

    async def fail_job(self, lease: JobLease, *, reason: str, retry_in: float) -> bool:
        jobs.check_retry(reason, retry_in)
        return await self._writer.submit(lambda transaction: jobs.fail(transaction, lease, reason, retry_in))

    async def pending_jobs(self, kinds: Sequence[str] = (), *, limit: int = 50) -> list[PendingJob]:
        check_limit(limit)
        return await self._read(partial(jobs.pending, kinds=kinds, now=self._clock.now(), limit=limit))

    async def dead_jobs(self, *, limit: int = 50) -> list[Job]:
        check_limit(limit)
        return await self._read(partial(jobs.dead, limit=limit))

    async def revive_jobs(self, ids: Sequence[int]) -> int:
        return await self._writer.submit(lambda transaction: jobs.revive(transaction, ids))

    async def discard_jobs(self, ids: Sequence[int]) -> int:
        return await self._writer.submit(lambda transaction: jobs.discard(transaction, ids))

    async def job_stats(self) -> JobStats:
        return await self._read(partial(jobs.stats, now=self._clock.now()))

    async def maintain(self, task: Maintenance) -> None:
        await maintain(self._writer.submit, task)

    async def backup(self, target: str) -> None:
        await Copying(self._path, Path(target), asyncio.get_running_loop()).run()

    async def schema_version(self) -> int:
        return await self._read(_schema_version)

    async def verify(self) -> list[str]:
        return await self._writer.submit(verify)

    async def health(self) -> dict[str, object]:
        try:
            await self.outbox_head()
        except Exception as error:  # noqa: BLE001 - the answer to "are you well" is never an error
            state: dict[str, object] = {"connected": False, "error": str(error)}
        else:
            state = {"connected": True}
        return state | {
            "path": self._path.name,
            "size_bytes": _size(self._path),
            "wal_bytes": _size(self._path.with_name(self._path.name + "-wal")),
            "waiting_writes": self._writer.waiting,
            "waiting_reads": self._points.waiting + self._searches.waiting + self._sweeps.waiting,
            "loop_reads": self._loop_reads.done,
            "slow_loop_reads": self._loop_reads.slow,
            "transactions": self._writer.transactions,
            "transaction_retries": self._writer.repeated,
        }

    async def _read(
        self, read: Callable[[sqlite3.Connection], T], *, long: bool = False, brief: bool = False
    ) -> T:
        if not brief:
            return await (self._searches if long else self._points).call(read)
        done = self._loop_reads.attempt(read)
        if done is None:
            answer = self._points.submit(read)
            self._loop_reads.prepare()
            return await answer
        if self._loop_reads.turn_due:
            await asyncio.sleep(0)
        return done[0]

    async def _sweep(self, read: Callable[[sqlite3.Connection], T]) -> T:
        return await self._sweeps.call(read)


def _schema_version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
