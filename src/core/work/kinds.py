"""Kinds of jobs as data: what is done for a job, how many at once, for how long, and when it is tried again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from ...ports.changes import Change, NewJob
from ...ports.records import JobLease

if TYPE_CHECKING:
    from datetime import datetime

Outcome = tuple[Change, ...] | Exception
"""What to apply as the job is completed, in one transaction with its end; or why it failed."""

Handler = Callable[[Sequence[JobLease]], Awaitable[Sequence[Outcome]]]
"""Does a batch of jobs of one kind. Answers one by one, in order; what it raises, all of them failed of."""

_REASON_CHARS = 1000


class Backoff(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds before the next try: `first`, doubled with each attempt up to `most`, and of that by chance half to all,
    so that what failed together does not come back together.
    """

    first: float = 1.0
    most: float = 300.0

    def delay(self, attempt: int, chance: float) -> float:
        """`attempt` counts from 1, `chance` is from 0 to 1."""
        longest = min(self.most, self.first * 2.0 ** min(attempt - 1, 60))
        return longest * (0.5 + 0.5 * chance)


class JobKind(msgspec.Struct, frozen=True, kw_only=True):
    """`batch` jobs are handed to `handle` together, and up to `concurrency` batches run at once in one process.
    Seconds: `timeout` for one call of `handle`, `lease` for how long a job stays with a worker that no longer renews.

    A batch that fails as a whole is done again one by one, so that one poisonous job does not fail its neighbours.
    """

    name: str
    handle: Handler
    batch: int = 1
    concurrency: int = 1
    timeout: float = 60.0
    lease: float = 30.0
    max_attempts: int = 5
    backoff: Backoff = Backoff()

    def job(self, payload: bytes = b"", *, key: str = "", run_at: datetime | None = None) -> NewJob:
        return NewJob(kind=self.name, payload=payload, key=key, run_at=run_at, max_attempts=self.max_attempts)


def each(handle: Callable[[JobLease], Awaitable[tuple[Change, ...]]]) -> Handler:
    """One after the other; each fails alone."""

    async def handle_all(leases: Sequence[JobLease]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for lease in leases:
            try:
                outcomes.append(await handle(lease))
            except Exception as error:  # noqa: BLE001 - it is this job's outcome
                outcomes.append(error)
        return outcomes

    return handle_all


def reason_of(error: Exception) -> str:
    """What a dead letter says, in text that every store takes."""
    code = getattr(error, "code", type(error).__name__)
    text = f"{code}: {error}" if str(error) else str(code)
    return text.replace("\0", "\\0").encode("utf-8", "replace").decode()[:_REASON_CHARS]
