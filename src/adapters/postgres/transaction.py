"""One open transaction, and what waits for its end: events and generations.

They come last because whoever numbers events holds up all others who do, until the commit is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ports.scopes import lineage

if TYPE_CHECKING:
    from .connections import Connection
    from .rows import Row

# Everything reads from `head`, so that its row is taken before any other: two that end at once cannot deadlock.
_END = (
    "WITH head AS (UPDATE store SET outbox_head = outbox_head + $1 RETURNING outbox_head - $1 AS before), "
    "told AS (INSERT INTO outbox (seq, kind, scope, subject, at, version, origin, payload) "
    "SELECT head.before + e.n, e.kind, e.scope, e.subject, e.at, e.version, $2, e.payload FROM head CROSS JOIN "
    "unnest($3::text[], $4::text[], $5::text[], $6::bigint[], $7::int[], $8::bytea[]) "
    "WITH ORDINALITY AS e (kind, scope, subject, at, version, payload, n)), "
    "bumped AS (INSERT INTO generations (scope, own, tree) SELECT s.scope, s.own, 1 FROM head CROSS JOIN "
    "unnest($9::text[], $10::bigint[]) AS s (scope, own) "
    "ON CONFLICT (scope) DO UPDATE SET own = generations.own + excluded.own, tree = generations.tree + 1) "
    "SELECT before FROM head"
)


class Transaction:
    def __init__(self, connection: Connection, *, origin: str, vectors: bool) -> None:
        """`connection` is inside BEGIN. `vectors`: the server has pgvector."""
        self.vectors = vectors
        self.connection = connection
        self.fetch = connection.fetch
        self.fetchrow = connection.fetchrow
        self.fetchval = connection.fetchval
        self.execute = connection.execute
        self._origin = origin
        self._events: list[Row] = []
        self._scopes: set[str] = set()
        self._before = 0

    @property
    def told(self) -> int:
        """Events so far; `seq_of` says what their numbers are, once they have some."""
        return len(self._events)

    def event(
        self, kind: str, scope: str, subject: str, at: int, version: int = 0, *, payload: bytes = b""
    ) -> None:
        """Append to the outbox, and bump the generation of the scope."""
        self._events.append((kind, scope, subject, at, version, payload))
        self._scopes.add(scope)

    def touch(self, scope: str) -> None:
        """Bump the generation of a scope that sees the change too."""
        self._scopes.add(scope)

    async def flush(self) -> None:
        """Number the events: the last thing before the commit."""
        if not self._events:
            return
        tree = sorted({ancestor for scope in self._scopes for ancestor in lineage(scope)})
        self._before = await self.fetchval(
            _END,
            len(self._events),
            self._origin,
            *zip(*self._events, strict=True),
            tree,
            [int(scope in self._scopes) for scope in tree],
        )

    def seq_of(self, told: int, since: int = 0) -> int:
        """Of the last event among the first `told`; 0 if there was none after the first `since`."""
        return self._before + told if told > since else 0
