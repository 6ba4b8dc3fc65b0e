"""What one process measures of itself, and where: around the ports that calls go through, and around the tools."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from ...ports.storage import Storage
from .current import current_call
from .tallies import Counts, Times
from .timed import coroutines_of, timed

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...ports.cache import Cache
    from ...ports.changes import Applied, Change
    from ...ports.circuit_breaker import Transition
    from ...ports.lock import Lock
    from ...ports.rate_limiter import RateLimiter
    from ...ports.records import JobLease
    from ..mcp.application import Resources, Tools
    from .current import Call
    from .traces import Tracing

_CALL_BOUNDS: Final = (
    *(0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
_LAG_BOUNDS: Final = (
    *(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
"""Seconds. What is alerted on stands among them: a quantile between two bounds is a guess."""

_LOCK_OPERATIONS: Final = ("acquire", "renew", "release", "force_release", "inspect", "list")


class Measures:
    """`perf`: every call learns where its time went. `tell` is told of each call that has ended, where it is set;
    `tracing` makes spans of calls and operations, where it is.
    """

    def __init__(self, *, perf: bool = False) -> None:
        self.perf = perf
        self.tell: Callable[[str, Call, str, float], None] | None = None
        self.tracing: Tracing | None = None
        self.calls = Times(_CALL_BOUNDS)
        self.calls_in_flight = 0
        self.storage_operations = Times(_CALL_BOUNDS)
        self.lock_operations = Times(_CALL_BOUNDS)
        self.limiter_operations = Times(_CALL_BOUNDS)
        self.event_lag = Times(_LAG_BOUNDS)
        self.event_gaps = 0
        self.jobs_finished = Counts()
        self.breaker_transitions = Counts()
        self.breaker_states: dict[str, str] = {}
        self.loop_lag = 0.0

    def storage(self, storage: Storage) -> Storage:
        measured = timed(storage, coroutines_of(Storage), self._note_storage, blocks=("unit",))
        _count_jobs(measured, self.jobs_finished)
        return measured

    def lock(self, lock: Lock) -> Lock:
        return timed(lock, _LOCK_OPERATIONS, self._note_lock)

    def limiter(self, limiter: RateLimiter) -> RateLimiter:
        return timed(limiter, ("hit",), self._note_limiter)

    def cache(self, cache: Cache) -> Cache:
        """What it counts it says itself (`Cache.stats`); a look at it is timed for a call's own line only."""
        return _looked_at(cache) if self.perf else cache

    def tools(self, tools: Tools) -> Tools:
        from .calls import MeasuredTools  # noqa: PLC0415 - it needs this module

        return MeasuredTools(tools, self)

    def resources(self, resources: Resources) -> Resources:
        from .calls import MeasuredResources  # noqa: PLC0415 - same

        return MeasuredResources(resources, self)

    def note_transition(self, transition: Transition) -> None:
        self.breaker_transitions.add((transition.name, transition.before, transition.after))
        self.breaker_states[transition.name] = transition.after

    def _note_storage(self, operation: str, outcome: str, seconds: float) -> None:
        self.storage_operations.note((operation, outcome), seconds)
        self._part("storage", operation, outcome, seconds)

    def _note_lock(self, operation: str, outcome: str, seconds: float) -> None:
        self.lock_operations.note((operation, outcome), seconds)
        self._part("lock", operation, outcome, seconds)

    def _note_limiter(self, operation: str, outcome: str, seconds: float) -> None:
        self.limiter_operations.note((outcome,), seconds)
        self._part("limiter", operation, outcome, seconds)

    def _part(self, port: str, operation: str, outcome: str, seconds: float) -> None:
        if self.perf and (call := current_call()) is not None:
            call.note(f"{port}.{operation}", seconds)
        if self.tracing is not None:
            self.tracing.part(port, operation, outcome, seconds)


def _count_jobs(storage: Storage, finished: Counts) -> None:
    """Also: what became of the jobs, by their kind. `storage` is a stand-in, whose methods are its own to replace."""
    complete, fail = storage.complete_job, storage.fail_job

    async def complete_job(lease: JobLease, *changes: Change) -> Applied:
        applied = await complete(lease, *changes)
        finished.add((lease.job.kind, "done"))
        return applied

    async def fail_job(lease: JobLease, *, reason: str, retry_in: float) -> bool:
        again = await fail(lease, reason=reason, retry_in=retry_in)
        finished.add((lease.job.kind, "failed" if again else "dead"))
        return again

    stand_in: Any = storage
    stand_in.complete_job = complete_job
    stand_in.fail_job = fail_job


def _looked_at(cache: Cache) -> Cache:
    measured = timed(cache, (), lambda _operation, _outcome, _seconds: None)
    look = cache.get

    async def get(key: str) -> bytes | None:
        begun = perf_counter()
        value = await look(key)
        if (call := current_call()) is not None:
            call.note("cache.miss" if value is None else "cache.hit", perf_counter() - begun)
        return value

    stand_in: Any = measured
    stand_in.get = get
    return measured
