"""The figures as Prometheus reads them. What each series means, in one place; `docs/observability.md` is its table.

Loaded where there is a port to serve it on. Whatever needs a database has been read by then (`figures.py`): writing a
page waits for nothing.
"""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder

from ... import __version__
from .figures import number, waiting_in
from .http import Page

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from prometheus_client.metrics_core import Metric

    from ..wiring import App
    from .figures import Figures
    from .measures import Measures
    from .tallies import Times

_BREAKER_STATES = ("closed", "open", "half-open")


class Exposition:
    def __init__(self, app: App, measures: Measures, figures: Figures) -> None:
        self._app = app
        self._measures = measures
        self._figures = figures
        self._registry = CollectorRegistry(auto_describe=False)
        # The process's own, under the names that every exporter gives them.
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._registry.register(self)

    async def page(self, headers: Mapping[str, str]) -> Page:
        """In the format that the request asks for: OpenMetrics, or Prometheus' own text."""
        try:
            encode, kind = choose_encoder(headers.get("accept", ""))
        except (TypeError, ValueError):  # a version that is none
            encode, kind = choose_encoder("")
        return Page(encode(self._registry), kind)

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: which series there are shows while the program runs."""
        return ()

    def collect(self) -> Iterator[Metric]:
        yield from self._of_process()
        yield from self._of_calls()
        yield from self._of_database()
        yield from self._of_cache()
        yield from self._of_limits()
        yield from self._of_breakers()
        yield from self._of_redis()
        yield from self._of_events()
        yield from self._of_jobs()

    def _of_process(self) -> Iterator[Metric]:
        yield _gauge(
            "agent_memory_build_info",
            "Always 1: what runs here",
            [((__version__, platform.python_version(), self._app.settings.db_type, self._app.instance), 1)],
            ("version", "python", "storage", "instance_id"),
        )
        yield _gauge(
            "agent_memory_event_loop_lag_seconds",
            "How late the event loop came to what was due, at the worst in the last 15 s",
            self._measures.loop_lag,
        )
        if self._figures.read_at is not None:
            age = self._app.clock.monotonic() - self._figures.read_at
            yield _gauge(
                "agent_memory_figures_age_seconds", "Since the database was last asked for its figures", age
            )

    def _of_calls(self) -> Iterator[Metric]:
        measures = self._measures
        yield _histogram(
            "agent_memory_tool_call_duration_seconds",
            "Calls of tools and reads of resources",
            measures.calls,
            ("tool", "outcome"),
        )
        yield _gauge("agent_memory_tool_calls_in_flight", "Calls under way", measures.calls_in_flight)
        yield _histogram(
            "agent_memory_storage_operation_duration_seconds",
            "Operations of the store as their callers see them",
            measures.storage_operations,
            ("operation", "outcome"),
        )
        yield _histogram(
            "agent_memory_lock_operation_duration_seconds",
            "Operations of the lock, waiting included",
            measures.lock_operations,
            ("operation", "outcome"),
        )
        yield _histogram(
            "agent_memory_rate_limiter_duration_seconds",
            "Questions to the rate limiter",
            measures.limiter_operations,
            ("outcome",),
        )

    def _of_database(self) -> Iterator[Metric]:
        database = self._figures.database
        yield _gauge(
            "agent_memory_database_up",
            "1 while the database answers",
            int(self._figures.database_up),
        )
        sizes = [
            (("main",), number(database, "size_bytes")),
            (("wal",), number(database, "wal_bytes")),
        ]
        yield _gauge("agent_memory_database_size_bytes", "On disk", _known(sizes), ("part",))
        for name, meaning, figure in (
            ("transactions", "Write transactions begun by this process", "transactions"),
            ("transaction_retries", "Of these, those begun again", "transaction_retries"),
        ):
            value = number(database, figure)
            if value is not None:
                yield _counter(f"agent_memory_database_{name}", meaning, [((), value)])
        waiting = [((queue,), many) for queue, many in waiting_in(database).items()]
        yield _gauge(
            "agent_memory_database_waiting", "Who waits in this process, and for what", waiting, ("queue",)
        )
        size, idle = number(database, "pool_size"), number(database, "idle_connections")
        if size is not None and idle is not None:
            states: list[tuple[tuple[str, ...], float]] = [(("used",), size - idle), (("idle",), idle)]
            yield _gauge(
                "agent_memory_pool_connections", "Open connections to PostgreSQL", states, ("state",)
            )
            yield _gauge(
                "agent_memory_pool_connections_max",
                "Connections that may be open (AGENT_MEMORY_PG_POOL_MAX)",
                self._app.settings.pg_pool_max,
            )

    def _of_cache(self) -> Iterator[Metric]:
        kept = self._app.query_cache
        stats = [((cache.capabilities.name,), cache.stats()) for cache in kept.caches]
        for name, meaning in (
            ("hits", "Questions answered from it"),
            ("misses", "Questions that it could not answer"),
            ("evictions", "Answers dropped for want of room"),
            ("failures", "Errors of its backend, answered as misses"),
        ):
            rows = [(labels, float(getattr(one, name))) for labels, one in stats]
            yield _counter(f"agent_memory_cache_{name}", meaning, rows, ("cache",))
        entries = [(labels, one.entries) for labels, one in stats]
        yield _gauge("agent_memory_cache_entries", "Answers kept in this process", entries, ("cache",))
        sizes = [(labels, one.bytes) for labels, one in stats]
        yield _gauge("agent_memory_cache_size_bytes", "What they take", sizes, ("cache",))
        limits = [(labels, limit) for (labels, _), limit in zip(stats, kept.limits, strict=True)]
        yield _gauge("agent_memory_cache_limit_bytes", "What they may take", limits, ("cache",))

    def _of_limits(self) -> Iterator[Metric]:
        limits = self._app.limits
        if limits is None:
            return
        yield _counter(
            "agent_memory_rate_limit_admitted", "Calls let through", [((), float(limits.admitted))]
        )
        refusals = [((window,), float(many)) for window, many in limits.refusals.items()]
        yield _counter(
            "agent_memory_rate_limit_refusals", "Calls refused, by the limit", refusals, ("window",)
        )
        yield _gauge(
            "agent_memory_rate_limiter_up", "0 while calls cannot be counted together", int(limits.answers)
        )

    def _of_breakers(self) -> Iterator[Metric]:
        states = [
            ((name, state), int(state == now))
            for name, now in self._measures.breaker_states.items()
            for state in _BREAKER_STATES
        ]
        yield _gauge(
            "agent_memory_circuit_breaker_state", "1 for the state it is in", states, ("breaker", "state")
        )
        told = self._measures.breaker_transitions.rows
        transitions = [(labels, float(many)) for labels, many in told.items()]
        yield _counter(
            "agent_memory_circuit_breaker_transitions",
            "Changes of state",
            transitions,
            ("breaker", "before", "after"),
        )

    def _of_redis(self) -> Iterator[Metric]:
        redis = self._figures.redis
        if redis is None:
            return
        yield _gauge("agent_memory_redis_up", "1 while Redis answers", int(redis.connected))
        failed, lost = [((), float(redis.failed))], [((), float(redis.lost))]
        yield _counter("agent_memory_redis_connection_failures", "Attempts to connect that failed", failed)
        yield _counter("agent_memory_redis_connections_lost", "Connections that broke", lost)
        if redis.memory_used is not None and redis.memory_limit is not None:
            yield _gauge(
                "agent_memory_redis_memory_used_bytes", "Of the server, by all users", redis.memory_used
            )
            yield _gauge("agent_memory_redis_memory_limit_bytes", "maxmemory; 0: none", redis.memory_limit)

    def _of_events(self) -> Iterator[Metric]:
        yield _histogram(
            "agent_memory_event_lag_seconds",
            "From a change to this process hearing of it",
            self._measures.event_lag,
            ("origin",),
        )
        gaps = [((), float(self._measures.event_gaps))]
        yield _counter("agent_memory_event_gaps", "Times that events may have been missed", gaps)

    def _of_jobs(self) -> Iterator[Metric]:
        jobs = self._figures.jobs
        if jobs is not None:
            depth = [
                ((kind, state), getattr(counts, state))
                for kind, counts in jobs.by_kind.items()
                for state in ("waiting", "leased", "dead")
            ]
            yield _gauge("agent_memory_jobs", "Jobs in the store", depth, ("kind", "state"))
            due = jobs.oldest_due
            age = 0.0 if due is None else max(0.0, (self._app.clock.now() - due).total_seconds())
            yield _gauge(
                "agent_memory_job_oldest_due_age_seconds", "How long the oldest due job has waited", age
            )
        finished = [(labels, float(many)) for labels, many in self._measures.jobs_finished.rows.items()]
        yield _counter(
            "agent_memory_jobs_finished",
            "Attempts at jobs by this process: done, failed (to be tried again) or dead",
            finished,
            ("kind", "outcome"),
        )


def _known(rows: Iterable[tuple[tuple[str, ...], float | None]]) -> list[tuple[tuple[str, ...], float]]:
    return [(labels, value) for labels, value in rows if value is not None]


def _gauge(
    name: str,
    meaning: str,
    values: float | Iterable[tuple[tuple[str, ...], float]],
    labels: tuple[str, ...] = (),
) -> Metric:
    family = GaugeMetricFamily(name, meaning, labels=labels)
    for row, value in [((), values)] if isinstance(values, int | float) else values:
        family.add_metric(row, value)
    return family


def _counter(
    name: str, meaning: str, rows: Iterable[tuple[tuple[str, ...], float]], labels: tuple[str, ...] = ()
) -> Metric:
    """Its series are called `{name}_total`."""
    family = CounterMetricFamily(name, meaning, labels=labels)
    for row, value in rows:
        family.add_metric(row, value)
    return family


def _histogram(name: str, meaning: str, times: Times, labels: tuple[str, ...]) -> Metric:
    family = HistogramMetricFamily(name, meaning, labels=labels)
    bounds = [*(repr(bound) for bound in times.bounds), "+Inf"]
    for row, upto, total in times.series():
        family.add_metric(row, list(zip(bounds, upto, strict=True)), total)
    return family
