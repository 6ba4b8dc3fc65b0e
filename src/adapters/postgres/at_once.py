"""New entries, their jobs, events and generations in one statement, which is its own transaction.

One round trip instead of four; and whoever numbers events holds up all others who do for as long as it takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ports.instants import to_micros
from ...ports.scopes import lineage
from .entries import INSERT, addition_columns
from .rows import ID, SCOPE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .connections import Connection
    from .entries import Addition

# `head` asks for what comes before it, so that everything that may wait for others is done when it takes its row.
_ADD = f"""
WITH new AS ({INSERT}, scope),
placed AS (
    SELECT new.id, new.scope, i.at, i.n FROM new JOIN (
        SELECT id, min(at) AS at, min(n) AS n FROM unnest($1::text[], $7::bigint[]) WITH ORDINALITY AS i (id, at, n)
        GROUP BY id
    ) i USING (id)
),
work AS (
    INSERT INTO jobs (kind, key, payload, enqueued_at, run_at, max_attempts, due_at)
    SELECT j.kind, j.key, j.payload, p.at, r.run_at, j.max_attempts, r.run_at
    FROM unnest($26::text[], $27::text[], $28::text[], $29::bytea[], $30::bigint[], $31::int[])
        WITH ORDINALITY AS j (entry, kind, key, payload, run_at, max_attempts, n)
    JOIN placed p ON p.id = j.entry
    CROSS JOIN LATERAL (SELECT coalesce(j.run_at, least(p.at, now_micros())) AS run_at) r
    ORDER BY j.n ON CONFLICT (kind, key) WHERE key <> '' DO NOTHING RETURNING 1
),
head AS (
    UPDATE store SET outbox_head = outbox_head + (SELECT count(*) FROM new)
    WHERE (SELECT count(*) FROM new) > 0 AND (SELECT count(*) FROM work) >= 0
    RETURNING outbox_head - (SELECT count(*) FROM new) AS before
),
numbered AS (
    SELECT head.before + row_number() OVER (ORDER BY p.n) AS seq, p.id, p.scope, p.at FROM head CROSS JOIN placed p
),
told AS (
    INSERT INTO outbox (seq, kind, scope, subject, at, version, origin)
    SELECT seq, 'entry.added', scope, id, at, 1, $32 FROM numbered ORDER BY seq
),
bumped AS (
    INSERT INTO generations (scope, own, tree)
    SELECT a.ancestor, max((a.ancestor = a.scope)::int), 1
    FROM head CROSS JOIN unnest($33::text[], $34::text[]) AS a (scope, ancestor)
    WHERE EXISTS (SELECT 1 FROM placed p WHERE p.scope = a.scope) GROUP BY a.ancestor
    ON CONFLICT (scope) DO UPDATE SET own = generations.own + excluded.own, tree = generations.tree + 1
)
SELECT id, seq FROM numbered
"""  # noqa: S608 - constants of this package


async def add_at_once(
    connection: Connection, additions: Sequence[Addition], *, origin: str
) -> dict[str, int]:
    """The ids of those that collided with nothing, each with the number of its event. Of the others nothing is kept."""
    jobs = [(addition.row[ID], job) for addition in additions for job in addition.change.jobs]
    lines = [
        (scope, ancestor)
        for scope in {addition.row[SCOPE] for addition in additions}
        for ancestor in lineage(scope)
    ]
    rows = await connection.fetch(
        _ADD,
        *addition_columns(additions),
        [entry for entry, _ in jobs],
        [job.kind for _, job in jobs],
        [job.key for _, job in jobs],
        [job.payload for _, job in jobs],
        [None if job.run_at is None else to_micros(job.run_at) for _, job in jobs],
        [job.max_attempts for _, job in jobs],
        origin,
        [scope for scope, _ in lines],
        [ancestor for _, ancestor in lines],
    )
    return {row[0]: row[1] for row in rows}
