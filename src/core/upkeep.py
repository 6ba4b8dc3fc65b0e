"""Work that keeps the memory in order, done through jobs so that it survives whoever was doing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ..ports.changes import ReplaceEntry
from ..ports.errors import Conflict, NotFound, NotHeld
from .drafting import EXPIRE_JOB

if TYPE_CHECKING:
    from datetime import datetime

    from ..ports.records import JobLease
    from ..ports.storage import Storage

_BATCH = 64
_LEASE_SECONDS = 30.0
_OUTBOX_KEPT = 100_000
"""Events kept for instances that fell behind; one further behind than this takes a Gap."""


async def expire_due(storage: Storage, *, owner: str, now: datetime) -> int:
    """Archive what has expired, a batch at a time. Returns how many jobs were done; call again while it is not 0.

    Recall never shows an expired entry, done or not: this moves it out of the active state, with an event.
    """
    leases = await storage.lease_jobs([EXPIRE_JOB], owner=owner, ttl=_LEASE_SECONDS, limit=_BATCH)
    for lease in leases:
        try:
            await _expire(storage, lease, now)
        except NotHeld:
            continue
        except (Conflict, NotFound) as error:
            await storage.fail_job(lease, reason=str(error), retry_in=1.0)
    return len(leases)


async def _expire(storage: Storage, lease: JobLease, now: datetime) -> None:
    found = await storage.get([lease.job.payload.decode()])
    entry = found[0] if found else None
    if entry is None or entry.state != "active" or entry.expires_at is None or entry.expires_at > now:
        await storage.complete_job(
            lease
        )  # forgotten, or given another time meanwhile: its own job will see to it
        return
    archived = msgspec.structs.replace(
        entry, state="archived", version=entry.version + 1, updated_at=max(now, entry.updated_at)
    )
    await storage.complete_job(lease, ReplaceEntry(archived, entry.version))


async def trim_outbox(storage: Storage) -> int:
    """Drop events that nobody can still be waiting for."""
    return await storage.trim_outbox(max(0, await storage.outbox_head() - _OUTBOX_KEPT))
