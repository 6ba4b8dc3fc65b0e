"""Jobs of the store, leased, done and ended: each at least once, with an effect that is applied exactly once.

Whatever stops a runner (a kill, a cancellation, a lost store) leaves the jobs that it had to their leases: when these
run out, they are due again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

import msgspec

from ...ports.errors import NotHeld, PortError
from ...ports.waking import Sleeper
from .holding import while_held
from .kinds import reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...ports.clock import Clock
    from ...ports.records import JobLease
    from ...ports.storage import Storage
    from .kinds import JobKind, Outcome

_LONGEST_PAUSE = 30.0
"""Seconds between two looks at a store that does not answer."""


class JobRun(msgspec.Struct, frozen=True, kw_only=True):
    """How one attempt ended. `again`: it failed and is tried later; `dead`: for the last time; `lost`: the lease was
    over, someone else has the job; `unknown`: the store did not say.
    """

    job: int
    kind: str
    attempt: int
    result: Literal["done", "again", "dead", "lost", "unknown"]
    seconds: float
    reason: str = ""


def _nothing(_: object) -> None:
    return None


class JobRunner:
    """`poll`: seconds after which the store is looked at though nobody has called `wake`. `most`: batches of a kind at
    once at most, whatever the kind allows. `chance` gives numbers from 0 to 1.

    `on_run` hears how each attempt ended; `on_trouble` of a store that has begun not to answer, and None when it does
    again. Neither may block or raise.
    """

    def __init__(
        self,
        storage: Storage,
        kinds: Sequence[JobKind],
        clock: Clock,
        *,
        owner: str,
        chance: Callable[[], float],
        poll: float = 1.0,
        most: int | None = None,
        on_run: Callable[[JobRun], None] = _nothing,
        on_trouble: Callable[[PortError | None], None] = _nothing,
    ) -> None:
        self._storage = storage
        self._kinds = tuple(kinds)
        self._clock = clock
        self._owner = owner
        self._chance = chance
        self._poll = poll
        self._most = most
        self._on_run = on_run
        self._on_trouble = on_trouble
        self._busy = dict.fromkeys((kind.name for kind in kinds), 0)
        self._rest = Sleeper(clock)
        self._stopping = False
        self._failures = 0
        self._trouble: PortError | None = None

    @property
    def running(self) -> int:
        return sum(self._busy.values())

    def wake(self) -> None:
        """There may be something to do. Cheap, and may be called for nothing."""
        self._rest.wake()

    def stop(self) -> None:
        """Take nothing more; `run` returns when what runs has ended."""
        self._stopping = True
        self._rest.wake()

    async def run(self) -> None:
        """Until `stop`, or cancelled. A store that does not answer is waited for; another error of it is raised."""
        async with asyncio.TaskGroup() as group:
            while not self._stopping:
                if not await self._take(group):
                    await self._rest.doze(self._pause())

    async def drain(self) -> None:
        """Until nothing is due and nothing runs. A store that does not answer is raised."""
        async with asyncio.TaskGroup() as group:
            while True:
                if await self._take(group):
                    continue
                if not self.running or self._trouble is not None:
                    break
                await self._rest.doze(self._poll)
        if self._trouble is not None:
            raise self._trouble

    async def _take(self, group: asyncio.TaskGroup) -> bool:
        """Hand out what is due, a batch of each kind that has a place free. Whether there was any."""
        taken = False
        for kind in self._kinds:
            most = kind.concurrency if self._most is None else min(kind.concurrency, self._most)
            if self._stopping or self._busy[kind.name] >= most:
                continue
            asked = self._clock.monotonic()
            leases = await self._lease(kind)
            if leases:
                taken = True
                self._busy[kind.name] += 1
                group.create_task(self._do(kind, leases, asked), name=f"job {kind.name}")
        return taken

    async def _lease(self, kind: JobKind) -> list[JobLease]:
        try:
            leases = await self._storage.lease_jobs(
                [kind.name], owner=self._owner, ttl=kind.lease, limit=kind.batch
            )
        except PortError as error:
            if not error.retryable:
                raise
            self._failures += 1
            if self._trouble is None:
                self._on_trouble(error)
            self._trouble = error
            return []
        if self._trouble is not None:
            self._failures = 0
            self._trouble = None
            self._on_trouble(None)
        return leases

    def _pause(self) -> float:
        if self._trouble is None:
            return self._poll
        return min(_LONGEST_PAUSE, self._poll * 2.0 ** min(self._failures, 20))

    async def _do(self, kind: JobKind, leases: list[JobLease], asked: float) -> None:
        held = {lease.job.id: lease for lease in leases}

        async def renew() -> None:
            await asyncio.gather(*(self._renew(kind, lease, held) for lease in list(held.values())))
            if not held:
                raise NotHeld("all leases of the batch are over")

        try:
            async with while_held(renew, self._clock, ttl=kind.lease, since=asked):
                await self._attempt(kind, leases, held)
        except NotHeld as error:
            for lease in leases:
                if held.pop(lease.job.id, None) is not None:
                    self._tell(lease, "lost", asked, reason_of(error))
        finally:
            self._busy[kind.name] -= 1
            self._rest.wake()

    async def _renew(self, kind: JobKind, lease: JobLease, held: dict[int, JobLease]) -> None:
        try:
            await self._storage.renew_job(lease, ttl=kind.lease)
        except NotHeld as error:
            if held.pop(lease.job.id, None) is not None:
                self._tell(lease, "lost", self._clock.monotonic(), reason_of(error))

    async def _attempt(self, kind: JobKind, leases: Sequence[JobLease], held: dict[int, JobLease]) -> None:
        began = self._clock.monotonic()
        try:
            outcomes = await self._handle(kind, leases)
        except Exception as error:  # noqa: BLE001 - a handler may fail in any way
            if len(leases) > 1:
                for lease in leases:
                    if lease.job.id in held:
                        await self._attempt(kind, [lease], held)
                return
            outcomes = [error]
        pairs = [
            (lease, outcome)
            for lease, outcome in zip(leases, outcomes, strict=True)
            if held.pop(lease.job.id, None) is not None
        ]
        await asyncio.gather(*(self._end(kind, lease, outcome, began) for lease, outcome in pairs))

    async def _handle(self, kind: JobKind, leases: Sequence[JobLease]) -> Sequence[Outcome]:
        limit = asyncio.timeout(None)
        alarm = asyncio.create_task(self._ring(kind.timeout, limit), name="timeout")
        try:
            async with limit:
                outcomes = await kind.handle(leases)
        except TimeoutError as error:
            if limit.expired():
                raise TimeoutError(f"took longer than {kind.timeout:g} s") from error
            raise
        finally:
            alarm.cancel()
        if len(outcomes) != len(leases):
            raise ValueError(f"{len(outcomes)} outcomes for {len(leases)} jobs")
        return outcomes

    async def _ring(self, seconds: float, limit: asyncio.Timeout) -> None:
        await self._clock.sleep(seconds)
        limit.reschedule(0)

    async def _end(self, kind: JobKind, lease: JobLease, outcome: Outcome, began: float) -> None:
        try:
            if not isinstance(outcome, Exception):
                try:
                    await self._storage.complete_job(lease, *outcome)
                except NotHeld:
                    raise
                except Exception as error:  # noqa: BLE001 - what it did cannot be applied: it has failed
                    outcome = error
                else:
                    self._tell(lease, "done", began)
                    return
            reason = reason_of(outcome)
            retry_in = kind.backoff.delay(lease.job.attempts, self._chance())
            again = await self._storage.fail_job(lease, reason=reason, retry_in=retry_in)
            self._tell(lease, "again" if again else "dead", began, reason)
        except NotHeld as error:
            self._tell(lease, "lost", began, reason_of(error))
        except PortError as error:
            self._tell(lease, "unknown", began, reason_of(error))

    def _tell(
        self,
        lease: JobLease,
        result: Literal["done", "again", "dead", "lost", "unknown"],
        began: float,
        reason: str = "",
    ) -> None:
        self._on_run(
            JobRun(
                job=lease.job.id,
                kind=lease.job.kind,
                attempt=lease.job.attempts,
                result=result,
                seconds=max(0.0, self._clock.monotonic() - began),
                reason=reason,
            )
        )
