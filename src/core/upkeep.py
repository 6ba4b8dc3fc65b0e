"""Work that keeps the memory in order: as jobs what follows from entries, as schedules what is due by the clock."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from ..ports.changes import PutSession, RemoveEntries, ReplaceEntry
from ..ports.errors import Conflict
from ..ports.queries import EntryFilter, EntryQuery
from ..ports.records import STATES
from ..ports.scopes import ScopeFilter
from .drafting import EXPIRE_JOB
from .sessions import BY_ITSELF, ending
from .work.kinds import JobKind
from .work.schedule import Progress, Schedule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..ports.clock import Clock
    from ..ports.records import JobLease
    from ..ports.storage import Maintenance, Storage
    from .work.kinds import Outcome

_EXPIRED_TOGETHER = 64
_SESSIONS_LOOKED_AT = 500
_PURGED_TOGETHER = 100
_READ_TOGETHER = 50
_OUTBOX_KEPT = 100_000
"""Events kept for instances that fell behind; one further behind than this takes a Gap."""
_EVERYWHERE = ScopeFilter(descendants=True)
_MINUTE = 60.0
_HOUR = 3600.0
_DAY = 24 * _HOUR


class UpkeepRules(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds; 0: never. `session_idle`: after which an open session ends. `purge_after`: after which nothing is left
    of what was forgotten.
    """

    session_idle: float = _DAY
    purge_after: float = 0.0


def expire_kind(storage: Storage, clock: Clock) -> JobKind:
    """Recall never shows an expired entry, done or not: this moves it out of the active state, with an event."""

    async def handle(leases: Sequence[JobLease]) -> list[Outcome]:
        return await _expired(storage, leases, clock.now())

    return JobKind(name=EXPIRE_JOB, handle=handle, batch=_EXPIRED_TOGETHER, concurrency=2)


async def _expired(storage: Storage, leases: Sequence[JobLease], now: datetime) -> list[Outcome]:
    ids = [lease.job.payload.decode() for lease in leases]
    found = {entry.id: entry for entry in await storage.get(ids)}
    outcomes: list[Outcome] = []
    for entry_id in ids:
        entry = found.get(entry_id)
        if entry is None or entry.state != "active" or entry.expires_at is None or entry.expires_at > now:
            # Forgotten, or given another time meanwhile: its own job will see to it.
            outcomes.append(())
            continue
        archived = msgspec.structs.replace(
            entry, state="archived", version=entry.version + 1, updated_at=max(now, entry.updated_at)
        )
        outcomes.append((ReplaceEntry(archived, entry.version),))
    return outcomes


def upkeep_schedules(storage: Storage, rules: UpkeepRules) -> tuple[Schedule, ...]:
    def maintained(task: Maintenance, every: float) -> Schedule:
        async def run(_: datetime) -> Progress:
            await storage.maintain(task)
            return Progress()

        return Schedule(name=task, every=every, run=run)

    async def outbox(_: datetime) -> Progress:
        await trim_outbox(storage)
        return Progress()

    idle = min(max(rules.session_idle / 10, 1.0), 5 * _MINUTE) if rules.session_idle else 0.0
    return (
        Schedule(name="sessions", every=idle, run=partial(end_idle_sessions, storage, rules.session_idle)),
        Schedule(
            name="tombstones",
            every=min(max(rules.purge_after / 10, 1.0), _HOUR) if rules.purge_after else 0.0,
            run=partial(purge_tombstones, storage, rules.purge_after),
        ),
        Schedule(name="outbox", every=_HOUR, run=outbox),
        maintained("keys", _HOUR),
        maintained("index", 6 * _HOUR),
        maintained("statistics", _DAY),
        maintained("space", _DAY),
    )


async def end_idle_sessions(storage: Storage, idle: float, now: datetime) -> Progress:
    """Those that were begun, and in whose scopes nothing was written, for `idle` seconds. Their summary says so.

    Each ends in a transaction of its own: an agent that ends it at the same moment, with a summary, is not overwritten.
    """
    before = now - timedelta(seconds=idle)
    open_ones = await storage.sessions(_EVERYWHERE, open_only=True, limit=_SESSIONS_LOOKED_AT)
    summary = f"{BY_ITSELF}: nothing was written in it for {_span(idle)}."
    ended = 0
    for session in open_ones:
        if session.last_active_at > before or await _written_since(storage, session.scope, before):
            continue
        over = msgspec.structs.replace(session, ended_at=now, summary=session.summary or summary)
        # Where someone else ended it meanwhile, that stands.
        with suppress(Conflict):
            await storage.apply(PutSession(over), once=ending(session, over.summary, now))
            ended += 1
    # The oldest of very many are looked at when others have made room.
    return Progress(more=bool(ended) and len(open_ones) == _SESSIONS_LOOKED_AT)


async def _written_since(storage: Storage, scope: str, instant: datetime) -> bool:
    """The newest first, for as a rule they tell. All are read only where nothing was written."""
    where = EntryFilter(where=ScopeFilter(scope=scope, inherit=False), states=STATES)
    query = EntryQuery(filter=where, limit=_READ_TOGETHER)
    while True:
        page = await storage.query(query)
        if any(entry.updated_at > instant for entry in page.items):
            return True
        if page.cursor is None:
            return False
        query = msgspec.structs.replace(query, cursor=page.cursor)


def _span(seconds: float) -> str:
    for unit, size in (("hours", _HOUR), ("minutes", _MINUTE)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} seconds"


async def purge_tombstones(storage: Storage, after: float, now: datetime) -> Progress:
    """What was forgotten more than `after` seconds ago, a batch at a time."""
    before = now - timedelta(seconds=after)
    gone: list[str] = []
    where = EntryFilter(where=_EVERYWHERE, states=("deleted",), until=before)
    async for entry in storage.scan(where):
        if entry.updated_at <= before:
            gone.append(entry.id)
            if len(gone) == _PURGED_TOGETHER:
                break
    if not gone:
        return Progress()
    return Progress(
        changes=(RemoveEntries(tuple(gone), now, purge=True),), more=len(gone) == _PURGED_TOGETHER
    )


async def trim_outbox(storage: Storage) -> int:
    """Drop events that nobody can still be waiting for."""
    return await storage.trim_outbox(max(0, await storage.outbox_head() - _OUTBOX_KEPT))
