"""Work that is due by the clock: one process does it, and all of them know from the store when it was done last.

What is scheduled stands in the store as a job, one of a kind, and the job that ends puts the next one in its place in
the same transaction. So whoever comes next, after a crash or elsewhere, finds the time of the next run and repeats
nothing. A process that finds something due takes the lock of the leader for as long as it does it: when it dies, that
and the lease of its job run out, and another goes on. Only the latest lease of a job may end it, so that a leader who
was believed dead and comes back changes nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from ...ports.changes import Change, Enqueue, NewJob
from ...ports.errors import LockTimeout, NotHeld, PortError
from ...ports.waking import Sleeper
from .holding import while_held
from .kinds import Backoff, JobKind, each
from .runner import JobRun, JobRunner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...ports.clock import Clock
    from ...ports.lock import Lease, Lock
    from ...ports.records import JobLease
    from ...ports.storage import Storage

LEADER = "leader:upkeep"
"""The name of the lock."""
KIND_PREFIX = "upkeep."

_FOR_EVER = 1_000_000_000
"""Attempts: what is scheduled is tried again, later and later, and never given up."""
_LONGEST_RETRY = 3600.0
_LONGEST_SLEEP = 300.0
_SHORTEST_SLEEP = 1.0
"""Where the clocks of hosts differ, what is due here is not yet due there."""
_HELD = 0.5
"""Of the lease that is promised: what the lock and the jobs are really held for after the last sign of life. The other
half is for whoever comes next: to wake up, on a busy machine, and to see what is due.
"""


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """`changes` are applied with the end of the run. `more`: it is due again at once."""

    changes: tuple[Change, ...] = ()
    more: bool = False


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """`run` is called with the present about every `every` seconds, give or take `jitter` of that; 0: never. It may be
    called again for what it has done already, after a crash.
    """

    name: str
    every: float
    run: Callable[[datetime], Awaitable[Progress]]
    jitter: float = 0.1
    timeout: float = 3600.0

    @property
    def kind(self) -> str:
        return KIND_PREFIX + self.name


class Scheduler:
    """`lease`: seconds within which another process has gone on with the work of a leader that died."""

    def __init__(
        self,
        storage: Storage,
        lock: Lock,
        schedules: Sequence[Schedule],
        clock: Clock,
        *,
        owner: str,
        chance: Callable[[], float],
        lease: float = 30.0,
        on_run: Callable[[JobRun], None] = lambda _: None,
        on_trouble: Callable[[PortError | None], None] = lambda _: None,
    ) -> None:
        self._storage = storage
        self._lock = lock
        self._schedules = tuple(schedules)
        self._clock = clock
        self._owner = owner
        self._chance = chance
        self._ttl = lease * _HELD
        self._on_trouble = on_trouble
        self._troubled = False
        self._rest = Sleeper(clock)
        self._runner = JobRunner(
            storage,
            [self._kind(schedule) for schedule in self._schedules],
            clock,
            owner=owner,
            chance=chance,
            on_run=on_run,
        )
        self._stopping = False
        self.leading = False

    def stop(self) -> None:
        """Begin nothing more; `run` returns when what runs has ended."""
        self._stopping = True
        self._runner.stop()
        self._rest.wake()

    async def run(self) -> None:
        """Until `stop`, or cancelled. A store or lock server that does not answer is waited for."""
        while not self._stopping:
            try:
                wait = await self.turn()
            except PortError as error:
                if not error.retryable:
                    raise
                if not self._troubled:
                    self._on_trouble(error)
                self._troubled = True
                wait = self._ttl / 3
            else:
                if self._troubled:
                    self._on_trouble(None)
                self._troubled = False
            if not self._stopping:
                await self._rest.doze(wait)

    async def turn(self) -> float:
        """Do what is due, unless another process is at it. The seconds until it is worth looking again."""
        wait = await self._due_in()
        if wait > 0:
            return min(wait, _LONGEST_SLEEP)
        asked = self._clock.monotonic()
        try:
            lease = await self._lock.acquire(LEADER, owner=self._owner, ttl=self._ttl)
        except LockTimeout as error:
            return self._left(error)
        try:
            await self._lead(lease, asked)
        finally:
            await self._resign(lease)
        return max(min(_SHORTEST_SLEEP, self._ttl), min(await self._due_in(), _LONGEST_SLEEP))

    async def _lead(self, lease: Lease, asked: float) -> None:
        async def renew() -> None:
            await self._lock.renew(lease, ttl=self._ttl)

        self.leading = True
        try:
            async with while_held(renew, self._clock, ttl=self._ttl, since=asked):
                await self._runner.drain()
        except NotHeld:
            # Another leads by now; what ran here was cancelled, and its job is left to its lease.
            return
        finally:
            self.leading = False

    async def _resign(self, lease: Lease) -> None:
        try:
            await self._lock.release(lease)
        except PortError:
            # Over already, or it will be.
            return

    def _left(self, refused: LockTimeout) -> float:
        """Until the leader's lease ends, by its server's clock; looked at in between, should that differ from ours."""
        left = self._ttl / 3
        if refused.holder is not None:
            left = min(left, (refused.holder.expires_at - self._clock.now()).total_seconds())
        return max(left, self._ttl / 30)

    async def _due_in(self) -> float:
        """Puts into the store what is not there yet, due at once."""
        kinds = {schedule.kind: schedule for schedule in self._schedules}
        if not kinds:
            return _LONGEST_SLEEP
        pending = await self._storage.pending_jobs(list(kinds), limit=len(kinds))
        now = self._clock.now()
        standing = {one.job.kind for one in pending}
        missing = [s for s in self._schedules if s.every and s.kind not in standing]
        if missing:
            await self._storage.apply(*(Enqueue(_job(s, now), now) for s in missing))
            return 0.0
        return min(((one.due_at - now).total_seconds() for one in pending), default=_LONGEST_SLEEP)

    def _kind(self, schedule: Schedule) -> JobKind:
        async def handle(_: JobLease) -> tuple[Change, ...]:
            if not schedule.every:
                # Switched off since it was put there.
                return ()
            now = self._clock.now()
            progress = await schedule.run(now)
            ended = self._clock.now()
            spread = 1 + schedule.jitter * (2 * self._chance() - 1)
            wait = 0.0 if progress.more else schedule.every * spread
            return (*progress.changes, Enqueue(_job(schedule, ended + timedelta(seconds=wait)), ended))

        return JobKind(
            name=schedule.kind,
            handle=each(handle),
            timeout=schedule.timeout,
            lease=self._ttl,
            max_attempts=_FOR_EVER,
            backoff=Backoff(
                first=min(30.0, schedule.every or 30.0), most=max(30.0, min(schedule.every, _LONGEST_RETRY))
            ),
        )


def _job(schedule: Schedule, run_at: datetime) -> NewJob:
    return NewJob(kind=schedule.kind, key=schedule.name, run_at=run_at, max_attempts=_FOR_EVER)
