"""Committed changes, numbered in commit order: numbers are given under the write lock and never again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ports.instants import from_micros
from ...ports.records import Event

if TYPE_CHECKING:
    import sqlite3

    from .transaction import Transaction

_EVENTS = (
    "SELECT seq, kind, scope, subject, at, version, origin, payload FROM outbox "
    "WHERE seq > ? ORDER BY seq LIMIT ?"
)
_HEAD = "SELECT max(outbox_floor, coalesce((SELECT max(seq) FROM outbox), 0)) FROM store"
_FLOOR = "UPDATE store SET outbox_floor = ?"
_TRIM = "DELETE FROM outbox WHERE seq <= ?"


def events(connection: sqlite3.Connection, after: int, limit: int) -> list[Event]:
    return [
        Event(
            kind=kind,
            scope=scope,
            subject=subject,
            at=from_micros(at),
            version=version,
            origin=origin,
            seq=seq,
            payload=payload,
        )
        for seq, kind, scope, subject, at, version, origin, payload in connection.execute(
            _EVENTS, (after, limit)
        )
    ]


def head(connection: sqlite3.Connection) -> int:
    seq: int = connection.execute(_HEAD).fetchone()[0]
    return seq


def trim(transaction: Transaction, up_to: int) -> int:
    """The number of the last event outlives it, so that none is given twice."""
    transaction.flush()
    transaction.execute(_FLOOR, (head(transaction.connection),))
    return transaction.execute(_TRIM, (up_to,)).rowcount
