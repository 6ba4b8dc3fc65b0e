"""A store on a clock that tests move, and jobs whose end they decide."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from agent_memory.adapters.sqlite import SqliteStorage
from agent_memory.core.work.kinds import Backoff, JobKind
from agent_memory.core.work.runner import JobRun, JobRunner
from agent_memory.ports.changes import Enqueue, Enqueued, NewJob
from agent_memory_contract.manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from pathlib import Path

    from agent_memory.core.work.kinds import Handler
    from agent_memory.ports.records import JobLease


class Bench:
    def __init__(self, store: SqliteStorage, clock: ManualClock) -> None:
        self.store = store
        self.clock = clock
        self.ended: list[JobRun] = []
        self.troubles: list[object] = []

    def runner(self, *kinds: JobKind, owner: str = "w", store: Any = None, **fields: Any) -> JobRunner:
        return JobRunner(
            store or self.store, kinds, self.clock, owner=owner, chance=lambda: 1.0, on_run=self.ended.append,
            on_trouble=self.troubles.append, **fields,
        )  # fmt: skip

    async def enqueue(self, *payloads: str, kind: str = "k", **fields: Any) -> list[int]:
        now = self.clock.now()
        jobs = [Enqueue(NewJob(kind=kind, payload=p.encode(), **fields), now) for p in payloads]
        outcomes = (await self.store.apply(*jobs)).outcomes
        return [outcome.id for outcome in outcomes if isinstance(outcome, Enqueued)]

    @property
    def results(self) -> list[str]:
        return [run.result for run in self.ended]

    async def until(self, so: Callable[[], bool], step: float = 0.0) -> None:
        """Let tasks and the store's thread go on, and the clock by `step` each time, until it is so."""
        async with asyncio.timeout(20):
            while not so():
                await asyncio.sleep(0.001)
                await self.clock.advance(step)


class Doing:
    """A handler that notes what it is given, waits for `go` where it is told to, and fails where it is told to."""

    def __init__(self, *, waits: bool = False, poison: Sequence[str] = ()) -> None:
        self.batches: list[list[str]] = []
        self.go = asyncio.Event()
        self.running = self.most = self.cancelled = 0
        self._poison = set(poison)
        if not waits:
            self.go.set()

    async def __call__(self, leases: Sequence[JobLease]) -> list[tuple[()]]:
        payloads = [lease.job.payload.decode() for lease in leases]
        self.batches.append(payloads)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        if self._poison & set(payloads):
            raise ValueError("poison")
        return [()] * len(leases)


def kind(handle: Handler, name: str = "k", **fields: Any) -> JobKind:
    return JobKind(name=name, handle=handle, backoff=Backoff(first=10, most=10), **fields)


@asynccontextmanager
async def bench_at(folder: Path) -> AsyncGenerator[Bench]:
    clock = ManualClock()
    async with SqliteStorage(folder / "memory.db", clock=clock, origin="t") as store:
        yield Bench(store, clock)
