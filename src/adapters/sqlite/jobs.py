"""The job table: enqueue with the write, lease with a token, finish by the latest token only."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ...ports.changes import Enqueued, NewJob
from ...ports.errors import NotHeld, Rejected
from ...ports.instants import from_micros, to_micros
from ...ports.queries import JobCounts, JobStats, PendingJob
from ...ports.records import Job, JobLease
from .rows import checked, encode

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from datetime import datetime

    from .transaction import Transaction

_ENQUEUE = (
    "INSERT INTO jobs (kind, key, payload, enqueued_at, run_at, attempts, max_attempts, last_error, due_at, token) "
    "VALUES (:kind, :key, :payload, :at, :run_at, 0, :max_attempts, '', :run_at, 0) "
    "ON CONFLICT (kind, key) WHERE key <> '' DO NOTHING"
)
_STANDING = "SELECT id FROM jobs WHERE kind = ? AND key = ? AND key <> ''"
_ANY_DUE = (
    "SELECT EXISTS ("
    "SELECT 1 FROM json_each(:kinds) k CROSS JOIN jobs j ON j.kind = k.value AND j.due_at <= :now)"
)
_EXHAUSTED = (
    "SELECT j.id FROM json_each(:kinds) k CROSS JOIN jobs j ON j.kind = k.value AND j.due_at <= :now "
    "WHERE j.token > 0 AND j.attempts >= j.max_attempts"
)
_DUE = (
    "SELECT j.id FROM json_each(:kinds) k CROSS JOIN jobs j ON j.kind = k.value AND j.due_at <= :now "
    "ORDER BY j.run_at, j.id LIMIT :limit"
)
_NEXT_TOKEN = "UPDATE store SET job_token = job_token + 1 RETURNING job_token"  # noqa: S105 - not a secret
_LEASE = (
    "UPDATE jobs SET attempts = attempts + 1, token = ?, due_at = ? WHERE id = ? "
    "RETURNING id, kind, payload, enqueued_at, run_at, attempts, max_attempts, key, last_error"
)
_RENEW = (
    "UPDATE jobs SET due_at = ? WHERE id = ? AND token = ? "
    "RETURNING id, kind, payload, enqueued_at, run_at, attempts, max_attempts, key, last_error"
)
_COMPLETE = "DELETE FROM jobs WHERE id = ? AND token = ?"
_ATTEMPTS = "SELECT attempts, max_attempts FROM jobs WHERE id = ? AND token = ?"
_RETRY = "UPDATE jobs SET run_at = :at, due_at = :at, token = 0, last_error = :reason WHERE id = :id"
_BURY = (
    "INSERT INTO dead_jobs (id, kind, key, payload, enqueued_at, run_at, attempts, max_attempts, last_error) "
    "SELECT id, kind, key, payload, enqueued_at, run_at, attempts, max_attempts, ? FROM jobs WHERE id = ?"
)
_DROP = "DELETE FROM jobs WHERE id = ?"
_PENDING = (
    "SELECT id, kind, payload, enqueued_at, run_at, attempts, max_attempts, key, last_error, "
    "iif(token > 0 AND due_at > :now, due_at, NULL) FROM jobs "
    "WHERE :any OR kind IN (SELECT value FROM json_each(:kinds)) ORDER BY due_at, id LIMIT :limit"
)
_DEAD = (
    "SELECT id, kind, payload, enqueued_at, run_at, attempts, max_attempts, key, last_error FROM dead_jobs "
    "ORDER BY died DESC LIMIT ?"
)
_REVIVE = (
    "INSERT INTO jobs (id, kind, key, payload, enqueued_at, run_at, attempts, max_attempts, last_error, due_at, token) "
    "SELECT id, kind, key, payload, enqueued_at, :now, 0, max_attempts, last_error, :now, 0 FROM dead_jobs "
    "WHERE id = :id ON CONFLICT DO NOTHING"
)
_DISCARD = "DELETE FROM dead_jobs WHERE id = ?"
_STATS = (
    "SELECT kind, sum(waiting), sum(leased), sum(dead), min(overdue) FROM ("
    "SELECT kind, NOT (token > 0 AND due_at > :now) AS waiting, token > 0 AND due_at > :now AS leased, 0 AS dead, "
    "CASE WHEN due_at <= :now THEN run_at END AS overdue FROM jobs "
    "UNION ALL SELECT kind, 0, 0, 1, NULL FROM dead_jobs) GROUP BY kind ORDER BY kind"
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


def enqueue(transaction: Transaction, job: NewJob, at: int) -> Enqueued:
    # At once means now even if what it follows from is dated ahead.
    run_at = min(at, transaction.now()) if job.run_at is None else to_micros(job.run_at)
    cursor = transaction.execute(
        _ENQUEUE,
        {
            "kind": job.kind, "key": job.key, "payload": job.payload, "at": at, "run_at": run_at,
            "max_attempts": job.max_attempts,
        },
    )  # fmt: skip
    if cursor.rowcount == 1 and cursor.lastrowid is not None:
        return Enqueued(cursor.lastrowid, created=True)
    return Enqueued(transaction.execute(_STANDING, (job.kind, job.key)).fetchone()[0], created=False)


def any_due(connection: sqlite3.Connection, kinds: Sequence[str], now: datetime) -> bool:
    """Asked before the write lock is, since the answer is no most of the time."""
    found = connection.execute(_ANY_DUE, {"kinds": encode(kinds).decode(), "now": to_micros(now)}).fetchone()
    return bool(found[0])


def lease(
    transaction: Transaction, kinds: Sequence[str], owner: str, ttl: float, limit: int
) -> list[JobLease]:
    now = transaction.now()
    due = {"kinds": encode(list(dict.fromkeys(kinds))).decode(), "now": now, "limit": limit}
    for (id_,) in transaction.execute(_EXHAUSTED, due).fetchall():
        _bury(transaction, id_, "the lease ran out in the last attempt")
    until = now + round(ttl * 1_000_000)
    leases: list[JobLease] = []
    for (id_,) in transaction.execute(_DUE, due).fetchall():
        token = transaction.execute(_NEXT_TOKEN).fetchone()[0]
        row = transaction.execute(_LEASE, (token, until, id_)).fetchone()
        leases.append(JobLease(job=_job(row), owner=owner, token=token, expires_at=from_micros(until)))
    return leases


def renew(transaction: Transaction, held: JobLease, ttl: float) -> JobLease:
    until = transaction.now() + round(ttl * 1_000_000)
    row = transaction.execute(_RENEW, (until, held.job.id, held.token)).fetchone()
    if row is None:
        raise _lost(held)
    return JobLease(job=_job(row), owner=held.owner, token=held.token, expires_at=from_micros(until))


def complete(transaction: Transaction, held: JobLease) -> None:
    if transaction.execute(_COMPLETE, (held.job.id, held.token)).rowcount != 1:
        raise _lost(held)


def fail(transaction: Transaction, held: JobLease, reason: str, retry_in: float) -> bool:
    row = transaction.execute(_ATTEMPTS, (held.job.id, held.token)).fetchone()
    if row is None:
        raise _lost(held)
    attempts, most = row
    if attempts >= most:
        _bury(transaction, held.job.id, reason)
        return False
    at = transaction.now() + timedelta(seconds=retry_in) // timedelta(microseconds=1)
    transaction.execute(_RETRY, {"at": at, "reason": reason, "id": held.job.id})
    return True


def pending(
    connection: sqlite3.Connection, kinds: Sequence[str], now: datetime, limit: int
) -> list[PendingJob]:
    parameters = {"kinds": encode(kinds).decode(), "any": not kinds, "now": to_micros(now), "limit": limit}
    return [
        PendingJob(_job(row), None if until is None else from_micros(until))
        for *row, until in connection.execute(_PENDING, parameters)
    ]


def dead(connection: sqlite3.Connection, limit: int) -> list[Job]:
    return [_job(row) for row in connection.execute(_DEAD, (limit,))]


def revive(transaction: Transaction, ids: Sequence[int]) -> int:
    """One whose key another job has taken meanwhile stays dead."""
    now = transaction.now()
    revived = 0
    for id_ in dict.fromkeys(ids):
        if transaction.execute(_REVIVE, {"now": now, "id": id_}).rowcount == 1:
            transaction.execute(_DISCARD, (id_,))
            revived += 1
    return revived


def discard(transaction: Transaction, ids: Sequence[int]) -> int:
    return sum(transaction.execute(_DISCARD, (id_,)).rowcount for id_ in dict.fromkeys(ids))


def stats(connection: sqlite3.Connection, now: datetime) -> JobStats:
    by_kind: dict[str, JobCounts] = {}
    due: list[int] = []
    for kind, waiting, leased, dead_count, oldest in connection.execute(_STATS, {"now": to_micros(now)}):
        by_kind[kind] = JobCounts(waiting=waiting, leased=leased, dead=dead_count)
        if oldest is not None:
            due.append(oldest)
    return JobStats.of(by_kind, from_micros(min(due)) if due else None)


def _bury(transaction: Transaction, id_: int, reason: str) -> None:
    transaction.execute(_BURY, (reason, id_))
    transaction.execute(_DROP, (id_,))


def _lost(held: JobLease) -> NotHeld:
    return NotHeld(f"job {held.job.id}: the lease of {held.owner!r} (token {held.token}) is over")


def _job(row: Sequence[Any]) -> Job:
    id_, kind, payload, enqueued_at, run_at, attempts, max_attempts, key, last_error = row
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
