"""The lease table, as functions of a connection. Each takes the write lock only when it will write."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ...ports.errors import NotHeld
from ...ports.instants import from_micros, to_micros
from ...ports.lock import Held, Lease
from .connection import begin

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Generator

    from ...ports.clock import Clock

_LIVE = "SELECT name, owner, token, acquired_at, expires_at FROM leases WHERE name = ? AND expires_at > ?"
_NEXT_TOKEN = "UPDATE tokens SET last = last + 1 RETURNING last"  # noqa: S105 - a number, not a secret
_GRANT = "INSERT OR REPLACE INTO leases (name, owner, token, acquired_at, expires_at) VALUES (?, ?, ?, ?, ?)"
# A few with every grant: names that nobody asks for again do not pile up.
_FORGET_OLD = (
    "DELETE FROM leases WHERE rowid IN "
    "(SELECT rowid FROM leases WHERE expires_at <= ? ORDER BY expires_at LIMIT 4)"
)
_RENEW = (
    "UPDATE leases SET expires_at = ? WHERE name = ? AND owner = ? AND token = ? AND expires_at > ? "
    "RETURNING acquired_at"
)
_RELEASE = "DELETE FROM leases WHERE name = ? AND owner = ? AND token = ? AND expires_at > ?"
_END = "DELETE FROM leases WHERE name = ?"
_AUDIT = "INSERT INTO forced (name, owner, token, by, reason, at) VALUES (?, ?, ?, ?, ?, ?)"
_LIST = (
    "SELECT name, owner, token, acquired_at, expires_at FROM leases WHERE expires_at > :now AND name >= :prefix "
    "AND substr(name, 1, length(:prefix)) = :prefix ORDER BY name LIMIT :limit"
)

_MICROS = 1_000_000


class LockTable:
    def __init__(self, clock: Clock, busy_timeout: float) -> None:
        self._clock = clock
        self._busy_timeout = busy_timeout

    def grant(self, connection: sqlite3.Connection, name: str, owner: str, ttl: float) -> Lease | Held:
        """The lease, or who stands in the way."""
        holder = self.live(connection, name)
        if holder is not None:
            return holder
        with self._writing(connection):
            holder = self.live(connection, name)
            if holder is not None:
                return holder
            now = self._now()
            connection.execute(_FORGET_OLD, (now,))
            token = connection.execute(_NEXT_TOKEN).fetchone()[0]
            until = now + round(ttl * _MICROS)
            connection.execute(_GRANT, (name, owner, token, now, until))
        return Lease(
            name=name,
            owner=owner,
            token=token,
            acquired_at=from_micros(now),
            expires_at=from_micros(until),
        )

    def renew(self, connection: sqlite3.Connection, lease: Lease, ttl: float) -> Lease:
        with self._writing(connection):
            now = self._now()
            until = now + round(ttl * _MICROS)
            row = connection.execute(_RENEW, (until, lease.name, lease.owner, lease.token, now)).fetchone()
            if row is None:
                raise _over(lease)
        return Lease(
            name=lease.name,
            owner=lease.owner,
            token=lease.token,
            acquired_at=from_micros(row[0]),
            expires_at=from_micros(until),
        )

    def release(self, connection: sqlite3.Connection, lease: Lease) -> None:
        with self._writing(connection):
            rows = connection.execute(_RELEASE, (lease.name, lease.owner, lease.token, self._now())).rowcount
            if rows != 1:
                raise _over(lease)

    def live(self, connection: sqlite3.Connection, name: str) -> Held | None:
        row = connection.execute(_LIVE, (name, self._now())).fetchone()
        return None if row is None else _held(*row)

    def leases(self, connection: sqlite3.Connection, prefix: str, limit: int) -> list[Held]:
        found = connection.execute(_LIST, {"now": self._now(), "prefix": prefix, "limit": limit})
        return [_held(*row) for row in found]

    def force(self, connection: sqlite3.Connection, name: str, by: str, reason: str) -> Held | None:
        with self._writing(connection):
            holder = self.live(connection, name)
            if holder is not None:
                connection.execute(_END, (name,))
                connection.execute(_AUDIT, (name, holder.owner, holder.token, by, reason, self._now()))
        return holder

    def _now(self) -> int:
        return to_micros(self._clock.now())

    @contextmanager
    def _writing(self, connection: sqlite3.Connection) -> Generator[None]:
        begin(connection, self._busy_timeout)
        try:
            yield
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")


def changes_seen(connection: sqlite3.Connection) -> int:
    """Another number when another connection has committed since."""
    version: int = connection.execute("PRAGMA data_version").fetchone()[0]
    return version


def _held(name: str, owner: str, token: int, acquired_at: int, expires_at: int) -> Held:
    return Held(
        name=name,
        owner=owner,
        token=token,
        acquired_at=from_micros(acquired_at),
        expires_at=from_micros(expires_at),
    )


def _over(lease: Lease) -> NotHeld:
    return NotHeld(f"lock {lease.name!r}: the lease of {lease.owner!r} (token {lease.token}) is over")
