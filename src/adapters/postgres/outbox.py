"""Committed changes, numbered in commit order: see transaction.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ports.instants import from_micros
from ...ports.records import Event

if TYPE_CHECKING:
    from .connections import Connection
    from .transaction import Transaction

_EVENTS = (
    "SELECT seq, kind, scope, subject, at, version, origin, payload FROM outbox "
    "WHERE seq > $1 ORDER BY seq LIMIT $2"
)
_HEAD = "SELECT outbox_head FROM store"
_TRIM = "WITH gone AS (DELETE FROM outbox WHERE seq <= $1 RETURNING 1) SELECT count(*) FROM gone"


async def events(connection: Connection, after: int, limit: int) -> list[Event]:
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
        for seq, kind, scope, subject, at, version, origin, payload in await connection.fetch(
            _EVENTS, after, limit
        )
    ]


async def head(connection: Connection) -> int:
    return int(await connection.fetchval(_HEAD))


async def trim(transaction: Transaction, up_to: int) -> int:
    return int(await transaction.fetchval(_TRIM, up_to))
