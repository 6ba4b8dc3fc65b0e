"""The Storage port on a PostgreSQL database."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Self, TypeVar

import msgspec

from ...ports.changes import Applied
from ...ports.errors import Rejected
from ...ports.queries import EntryQuery
from ...ports.storage import StorageCapabilities
from . import jobs, outbox
from .apply import additions_only, apply, apply_once, check_once, prepare
from .connections import SNAPSHOT, Connections
from .errors import is_lost, port_errors
from .figures import database_size
from .maintenance import maintain
from .migrate import migrate, schema_version
from .pages import check_limit
from .reading import PostgresReader
from .transactions import Transactions
from .unit import PostgresUnit
from .verify import verify
from .writer import Writer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from ...ports.changes import Change, Once, Outcome
    from ...ports.clock import Clock
    from ...ports.queries import EntryFilter, JobStats, PendingJob
    from ...ports.records import Entry, Event, Job, JobLease
    from ...ports.storage import Maintenance
    from .config import PostgresSettings
    from .connections import Connection
    from .transaction import Transaction

T = TypeVar("T")


class PostgresStorage(PostgresReader):
    """`origin` names this instance in its events. `clock` is for pauses; leases run by the server's.

    New entries of several callers are committed together; other units have a transaction each.
    """

    def __init__(self, settings: PostgresSettings, *, clock: Clock, origin: str) -> None:
        self._settings = settings
        self._origin = origin
        self._connections = Connections(settings, origin=origin)
        self._transactions = Transactions(self._connections, clock=clock, origin=origin)
        self._writer = Writer(self._transactions, self._connections.name)
        self._stack = AsyncExitStack()

    @property
    def capabilities(self) -> StorageCapabilities:
        """How vectors are compared is known once it is open."""
        return StorageCapabilities(
            name="postgresql",
            durable=True,
            shared="network",
            vectors="approximate" if self._indexed else "exact",
            concurrent_units=True,
        )

    @property
    def _indexed(self) -> bool:
        return self._transactions.vectors

    async def __aenter__(self) -> Self:
        state = await migrate(self._settings)
        self._transactions.vectors = state.vectors is not None
        await self._connections.start(vectors=state.vectors)
        self._stack.push_async_callback(self._connections.close)
        self._writer.start()
        self._stack.push_async_callback(self._writer.close)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        prepared = prepare(changes)
        if once is not None:
            check_once(once)
            return await self._run_once(partial(apply_once, prepared=prepared, once=once))
        if not prepared:
            return Applied(())
        additions = additions_only(prepared)
        if additions is not None:
            return await self._writer.submit(additions)
        return await self._applied(partial(apply, prepared=prepared))

    def mark(self) -> None:
        """Only the server knows."""

    def unit(self) -> AbstractAsyncContextManager[PostgresUnit]:
        return PostgresUnit(self._connections, origin=self._origin, vectors=self._indexed)

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
        return await self._read(partial(outbox.events, after=after, limit=limit))

    async def outbox_head(self) -> int:
        return await self._read(outbox.head)

    async def trim_outbox(self, up_to: int) -> int:
        return await self._run(partial(outbox.trim, up_to=up_to))

    async def lease_jobs(
        self, kinds: Sequence[str], *, owner: str, ttl: float, limit: int = 1
    ) -> list[JobLease]:
        check_limit(limit)
        jobs.check_ttl(ttl)
        wanted = list(dict.fromkeys(kinds))
        if not await self._read(partial(jobs.any_due, kinds=wanted)):
            return []
        return await self._run(partial(jobs.lease, kinds=wanted, owner=owner, ttl=ttl, limit=limit))

    async def renew_job(self, lease: JobLease, *, ttl: float) -> JobLease:
        jobs.check_ttl(ttl)
        return await self._run(partial(jobs.renew, held=lease, ttl=ttl))

    async def complete_job(self, lease: JobLease, *changes: Change) -> Applied:
        prepared = prepare(changes)

        async def work(transaction: Transaction) -> tuple[Outcome, ...]:
            await jobs.complete(transaction, lease)
            return await apply(transaction, prepared)

        return await self._applied(work)

    async def fail_job(self, lease: JobLease, *, reason: str, retry_in: float) -> bool:
        jobs.check_retry(reason, retry_in)
        return await self._run(partial(jobs.fail, held=lease, reason=reason, retry_in=retry_in))

    async def pending_jobs(self, kinds: Sequence[str] = (), *, limit: int = 50) -> list[PendingJob]:
        check_limit(limit)
        return await self._read(partial(jobs.pending, kinds=list(kinds), limit=limit))

    async def dead_jobs(self, *, limit: int = 50) -> list[Job]:
        check_limit(limit)
        return await self._read(partial(jobs.dead, limit=limit))

    async def revive_jobs(self, ids: Sequence[int]) -> int:
        return await self._run(partial(jobs.revive, ids=ids))

    async def discard_jobs(self, ids: Sequence[int]) -> int:
        return await self._run(partial(jobs.discard, ids=ids))

    async def job_stats(self) -> JobStats:
        return await self._read(jobs.stats)

    async def maintain(self, task: Maintenance) -> None:
        await maintain(self._run, task)

    async def backup(self, target: str) -> None:  # noqa: ARG002 - the port's
        """The operator's: pg_dump, or the server's own continuous archiving."""
        raise Rejected(f"{self._connections.name}: back it up with pg_dump, or as your server is backed up")

    async def schema_version(self) -> int:
        return await self._read(schema_version)

    async def verify(self) -> list[str]:
        return await self._read(verify, planned=True)

    async def health(self) -> dict[str, object]:
        try:
            await self.outbox_head()
            size = await self._read(database_size)
        except Exception as error:  # noqa: BLE001 - the answer to "are you well" is never an error
            state: dict[str, object] = {"connected": False, "error": str(error)}
        else:
            state = {"connected": True, "size_bytes": size}
        return state | self._connections.figures() | {
            "waiting_writes": self._writer.waiting,
            "transactions": self._transactions.begun,
            "transaction_retries": self._transactions.repeated,
            "pgvector": self._indexed,
        }  # fmt: skip

    async def _read(self, read: Callable[[Connection], Awaitable[T]], *, planned: bool = False) -> T:
        """Again on another connection if the first turns out to be dead: a read may always be repeated."""
        for last in (False, True):
            with port_errors(self._connections.name):
                try:
                    async with self._connections.lend() as connection:
                        if planned:
                            # It ends as the connection is given back.
                            await connection.execute(SNAPSHOT)
                        return await read(connection)
                except Exception as error:
                    if last or not is_lost(error):
                        raise
        raise AssertionError("the last attempt returns or raises")

    async def _run(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        result, _ = await self._transactions.run(work)
        return result

    async def _applied(self, work: Callable[[Transaction], Awaitable[tuple[Outcome, ...]]]) -> Applied:
        outcomes, transaction = await self._transactions.run(work)
        return Applied(outcomes, seq=transaction.seq_of(transaction.told))

    async def _run_once(self, work: Callable[[Transaction], Awaitable[Applied]]) -> Applied:
        applied, transaction = await self._transactions.run(work, repeatable=True)
        return msgspec.structs.replace(applied, seq=transaction.seq_of(transaction.told))
