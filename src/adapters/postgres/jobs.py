"""The job table: enqueue with the write, lease with a token, finish by the latest token only. Time is the server's."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ...ports.changes import Enqueue, Enqueued, NewJob
from ...ports.errors import NotHeld, Rejected
from ...ports.instants import from_micros, to_micros
from ...ports.queries import JobCounts, JobStats, PendingJob
from ...ports.records import Job, JobLease
from .rows import checked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg import Record

    from .connections import Connection
    from .transaction import Transaction

Following = tuple[NewJob, int]
"""A job, and when the change it follows from was made. At once means now even if that is dated ahead."""

_ENQUEUE = (
    "INSERT INTO jobs (kind, key, payload, enqueued_at, run_at, max_attempts, due_at) "
    "SELECT kind, key, payload, at, run_at, max_attempts, run_at FROM ("
    "SELECT kind, key, payload, at, coalesce(run_at, least(at, now_micros())) AS run_at, max_attempts, n "
    "FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bigint[], $5::bigint[], $6::int[]) "
    "WITH ORDINALITY AS new (kind, key, payload, at, run_at, max_attempts, n)) new ORDER BY n "
    "ON CONFLICT (kind, key) WHERE key <> '' DO NOTHING RETURNING id"
)
_STANDING = "SELECT id FROM jobs WHERE kind = $1 AND key = $2 AND key <> ''"
_ANY_DUE = "SELECT EXISTS (SELECT 1 FROM jobs WHERE kind = ANY ($1::text[]) AND due_at <= now_micros())"
_EXHAUSTED = (
    "WITH lost AS (DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE kind = ANY ($1::text[]) "
    "AND due_at <= now_micros() AND token > 0 AND attempts >= max_attempts ORDER BY id FOR UPDATE SKIP LOCKED) "
    "RETURNING *) "
    "INSERT INTO dead_jobs (id, kind, key, payload, enqueued_at, run_at, attempts, max_attempts, last_error) "
    "SELECT id, kind, key, payload, enqueued_at, run_at, attempts, max_attempts, "
    "'the lease ran out in the last attempt' FROM lost ORDER BY due_at, id"
)
_JOB = "j.id, j.kind, j.payload, j.enqueued_at, j.run_at, j.attempts, j.max_attempts, j.key, j.last_error"
_LEASE = (
    "WITH due AS (SELECT id FROM jobs WHERE kind = ANY ($1::text[]) AND due_at <= now_micros() "  # noqa: S608 - constants of this package
    "ORDER BY run_at, id LIMIT $2 FOR UPDATE SKIP LOCKED) "
    "UPDATE jobs j SET attempts = j.attempts + 1, token = nextval('job_tokens'), due_at = now_micros() + $3 "
    f"FROM due WHERE j.id = due.id RETURNING {_JOB}, j.token, j.due_at"
)
_RENEW = (
    "UPDATE jobs j SET due_at = now_micros() + $3 WHERE id = $1 AND token = $2 "  # noqa: S608 - same
    f"RETURNING {_JOB}, j.token, j.due_at"
)
_COMPLETE = "DELETE FROM jobs WHERE id = $1 AND token = $2 RETURNING id"
_ATTEMPTS = "SELECT attempts, max_attempts FROM jobs WHERE id = $1 AND token = $2 FOR UPDATE"
_RETRY = (
    "UPDATE jobs SET run_at = now_micros() + $2, due_at = now_micros() + $2, token = 0, last_error = $3 "
    "WHERE id = $1"
)
_BURY = (
    "WITH lost AS (DELETE FROM jobs WHERE id = $1 RETURNING *) "
    "INSERT INTO dead_jobs (id, kind, key, payload, enqueued_at, run_at, attempts, max_attempts, last_error) "
    "SELECT id, kind, key, payload, enqueued_at, run_at, attempts, max_attempts, $2 FROM lost"
)
_PENDING = (
    f"SELECT {_JOB}, CASE WHEN j.token > 0 AND j.due_at > now_micros() THEN j.due_at END FROM jobs j "  # noqa: S608 - same
    "WHERE cardinality($1::text[]) = 0 OR j.kind = ANY ($1::text[]) ORDER BY j.due_at, j.id LIMIT $2"
)
_DEAD = f"SELECT {_JOB} FROM dead_jobs j ORDER BY j.died DESC LIMIT $1"  # noqa: S608 - same
# One whose key another job has taken meanwhile stays dead.
_REVIVE = (
    "WITH revived AS (INSERT INTO jobs (id, kind, key, payload, enqueued_at, run_at, attempts, max_attempts, "
    "last_error, due_at, token) SELECT id, kind, key, payload, enqueued_at, now_micros(), 0, max_attempts, last_error, "
    "now_micros(), 0 FROM dead_jobs WHERE id = ANY ($1::bigint[]) ORDER BY died FOR UPDATE "
    "ON CONFLICT DO NOTHING RETURNING id) "
    "DELETE FROM dead_jobs WHERE id IN (SELECT id FROM revived) RETURNING id"
)
_DISCARD = "DELETE FROM dead_jobs WHERE id = ANY ($1::bigint[]) RETURNING id"
_STATS = (
    "SELECT kind, sum(waiting)::bigint, sum(leased)::bigint, sum(dead)::bigint, min(overdue) FROM ("
    "SELECT kind, (NOT (token > 0 AND due_at > now))::int AS waiting, (token > 0 AND due_at > now)::int AS leased, "
    "0 AS dead, CASE WHEN due_at <= now THEN run_at END AS overdue "
    "FROM (SELECT now_micros() AS now) clock CROSS JOIN jobs "
    "UNION ALL SELECT kind, 0, 0, 1, NULL FROM dead_jobs) each GROUP BY kind ORDER BY kind"
)


def check(job: NewJob) -> None:
    if not job.kind:
        raise Rejected("kind: must not be empty", "kind")
    if job.max_attempts < 1:
        raise Rejected(f"max_attempts {job.max_attempts}: at least 1", "max_attempts")
    checked(job.kind, "kind")
    checked(job.key, "key")


def check_ttl(ttl: float) -> None:
    if not 0 < ttl < 1e9:
        raise Rejected(f"ttl {ttl}: not allowed (more than 0 seconds, finite)", "ttl")


def check_retry(reason: str, retry_in: float) -> None:
    checked(reason, "reason")
    if not 0 <= retry_in < 1e9:
        raise Rejected(f"retry_in {retry_in}: not allowed (0 seconds or more, finite)", "retry_in")


async def enqueue_all(transaction: Transaction, work: Sequence[Following]) -> None:
    """Those whose key is taken are left out."""
    if work:
        await transaction.fetch(_ENQUEUE, *_columns(work))


async def enqueue(transaction: Transaction, change: Enqueue) -> Enqueued:
    job = change.job
    while True:
        created = await transaction.fetchval(_ENQUEUE, *_columns([(job, to_micros(change.at))]))
        if created is not None:
            return Enqueued(created, created=True)
        standing = await transaction.fetchval(_STANDING, job.kind, job.key)
        if standing is not None:
            return Enqueued(standing, created=False)
        # It ended between the two statements: its key is free again.


async def any_due(connection: Connection, kinds: Sequence[str]) -> bool:
    """Asked before a transaction is begun, since the answer is no most of the time."""
    return bool(await connection.fetchval(_ANY_DUE, kinds))


async def lease(
    transaction: Transaction, kinds: Sequence[str], owner: str, ttl: float, limit: int
) -> list[JobLease]:
    await transaction.execute(_EXHAUSTED, kinds)
    rows = await transaction.fetch(_LEASE, kinds, limit, _micros(ttl))
    leases = [_lease(row, owner) for row in rows]
    return sorted(leases, key=lambda taken: (taken.job.run_at, taken.job.id))


async def renew(transaction: Transaction, held: JobLease, ttl: float) -> JobLease:
    row = await transaction.fetchrow(_RENEW, held.job.id, held.token, _micros(ttl))
    if row is None:
        raise _lost(held)
    return _lease(row, held.owner)


async def complete(transaction: Transaction, held: JobLease) -> None:
    if await transaction.fetchval(_COMPLETE, held.job.id, held.token) is None:
        raise _lost(held)


async def fail(transaction: Transaction, held: JobLease, reason: str, retry_in: float) -> bool:
    row = await transaction.fetchrow(_ATTEMPTS, held.job.id, held.token)
    if row is None:
        raise _lost(held)
    attempts, most = row
    if attempts >= most:
        await transaction.execute(_BURY, held.job.id, reason)
        return False
    await transaction.execute(_RETRY, held.job.id, _micros(retry_in), reason)
    return True


async def pending(connection: Connection, kinds: Sequence[str], limit: int) -> list[PendingJob]:
    return [
        PendingJob(_job(row), None if row[9] is None else from_micros(row[9]))
        for row in await connection.fetch(_PENDING, kinds, limit)
    ]


async def dead(connection: Connection, limit: int) -> list[Job]:
    return [_job(row) for row in await connection.fetch(_DEAD, limit)]


async def revive(transaction: Transaction, ids: Sequence[int]) -> int:
    return len(await transaction.fetch(_REVIVE, ids))


async def discard(transaction: Transaction, ids: Sequence[int]) -> int:
    return len(await transaction.fetch(_DISCARD, ids))


async def stats(connection: Connection) -> JobStats:
    by_kind: dict[str, JobCounts] = {}
    due: list[int] = []
    for kind, waiting, leased, dead_count, oldest in await connection.fetch(_STATS):
        by_kind[kind] = JobCounts(waiting=waiting, leased=leased, dead=dead_count)
        if oldest is not None:
            due.append(oldest)
    return JobStats.of(by_kind, from_micros(min(due)) if due else None)


def _columns(work: Sequence[Following]) -> list[list[Any]]:
    return [
        [job.kind for job, _ in work],
        [job.key for job, _ in work],
        [job.payload for job, _ in work],
        [at for _, at in work],
        [None if job.run_at is None else to_micros(job.run_at) for job, _ in work],
        [job.max_attempts for job, _ in work],
    ]


def _micros(seconds: float) -> int:
    return timedelta(seconds=seconds) // timedelta(microseconds=1)


def _lost(held: JobLease) -> NotHeld:
    return NotHeld(f"job {held.job.id}: the lease of {held.owner!r} (token {held.token}) is over")


def _lease(row: Record, owner: str) -> JobLease:
    return JobLease(job=_job(row), owner=owner, token=row[9], expires_at=from_micros(row[10]))


def _job(row: Record) -> Job:
    id_, kind, payload, enqueued_at, run_at, attempts, max_attempts, key, last_error = tuple(row.values())[:9]
    return Job(
        id=id_,
        kind=kind,
        payload=payload,
        enqueued_at=from_micros(enqueued_at),
        run_at=from_micros(run_at),
        attempts=attempts,
        max_attempts=max_attempts,
        key=key,
        last_error=last_error,
    )
