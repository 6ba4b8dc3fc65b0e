"""What happens moves the series that tells of it, and no other."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import msgspec
import pytest
from prometheus_client.openmetrics import parser

from agent_memory.adapters.embedders.static import DIMENSION
from agent_memory.entrypoints.logs import Log
from agent_memory.entrypoints.observability.observed import observed
from agent_memory.entrypoints.settings import read_settings
from agent_memory.entrypoints.settings_metrics import WORKER_PORT, worker_metrics
from agent_memory.entrypoints.wiring import open_app
from agent_memory.ports.changes import Enqueue, NewJob
from agent_memory.ports.errors import Misconfigured
from agent_memory_contract.embedding_server import EmbeddingServer
from agent_memory_contract.servers.free_port import free_port
from agent_memory_contract.servers.postgres import SOURCES, fresh_database
from agent_memory_contract.servers.redis import private_server
from agent_memory_contract.tcp_gate import TcpGate

from ..clients.raw_server import raw_server
from ..postgres_shape import environment_of
from .watched import Watched, fetch, watched

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

    from prometheus_client.metrics_core import Metric

READ = cast("Callable[[str], Iterable[Metric]]", parser.text_string_to_metric_families)  # pyright: ignore[reportUnknownMemberType] (it has no types)
CALLS = "agent_memory_tool_call_duration_seconds_count"
LOCKS = "agent_memory_lock_operation_duration_seconds_count"
STORAGE = "agent_memory_storage_operation_duration_seconds_count"
PAGE = (Path(__file__).parents[3] / "docs" / "observability.md").read_text()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def sqlite(folder: Path, **settings: str) -> dict[str, str]:
    given = {f"AGENT_MEMORY_{name}": value for name, value in settings.items()}
    return {"HOME": str(folder), "AGENT_MEMORY_DB_PATH": str(folder / "memory.db")} | given


@pytest.fixture
async def one(tmp_path: Path) -> AsyncGenerator[Watched]:
    async with watched(sqlite(tmp_path)) as opened:
        yield opened


async def test_calls_are_counted_by_tool_and_outcome(one: Watched) -> None:
    await one.remember("tea at four")
    await one.call("memory_recall", {"query": "tea"})
    await one.call("memory_recall", {"limit": -1})
    await one.answer(one.begin("no_such_tool", {}))
    await one.answer(one.ask("resources/read", {"uri": "memory://stats"}))
    assert await one.value(CALLS, tool="memory_remember", outcome="ok") == 1
    assert await one.value(CALLS, tool="memory_recall", outcome="ok") == 1
    assert await one.value(CALLS, tool="memory_recall", outcome="rejected") == 1
    assert await one.value(CALLS, tool="unknown", outcome="refused") == 1
    assert await one.value(CALLS, tool="resources/read", outcome="ok") == 1
    assert await one.value(CALLS) == 5
    assert await one.value(STORAGE, operation="apply", outcome="ok") == 1


async def test_the_buckets_of_a_histogram_add_up(one: Watched) -> None:
    for number in range(5):
        await one.remember(f"fact {number}")
    name = "agent_memory_tool_call_duration_seconds"
    samples = await one.samples()
    steps = [
        (float(dict(labels)["le"]), value)
        for (found, labels), value in samples.items()
        if found == f"{name}_bucket"
    ]
    counts = [value for _, value in sorted(steps)]
    assert counts == sorted(counts)
    assert counts[-1] == await one.value(f"{name}_count") == 5
    assert 0 < await one.value(f"{name}_sum") < 5 * 10


async def test_a_cancelled_call_is_in_flight_until_then_and_counted_never(one: Watched) -> None:
    held = {"action": "checkout", "file_path": "a.py", "agent_id": "ada"}
    await one.call("memory_file_lock", held)
    waiting = one.begin("memory_file_lock", held | {"agent_id": "bob", "wait_seconds": 30})

    async def in_flight() -> bool:
        return await one.value("agent_memory_tool_calls_in_flight") == 1

    async def none() -> bool:
        return await one.value("agent_memory_tool_calls_in_flight") == 0

    await one.until(in_flight)
    one.cancel(waiting)
    await one.until(none)
    assert await one.value(CALLS, tool="memory_file_lock") == 1
    assert await one.value(LOCKS, operation="acquire") == await one.value(
        LOCKS, operation="acquire", outcome="ok"
    )


async def test_locks_granted_and_refused(one: Watched) -> None:
    asked = {"action": "checkout", "file_path": "a.py"}
    await one.call("memory_file_lock", asked | {"agent_id": "ada"})
    refused = await one.call("memory_file_lock", asked | {"agent_id": "bob"})
    assert refused["isError"]
    assert await one.value(LOCKS, operation="acquire", outcome="ok") == 1
    assert await one.value(LOCKS, operation="acquire", outcome="lock_timeout") == 1


async def test_answers_kept_and_dropped(tmp_path: Path) -> None:
    async with watched(sqlite(tmp_path, QUERY_CACHE_SIZE="2")) as one:
        for query in ("tea", "tea", "tea", "milk", "sugar"):
            await one.call("memory_recall", {"query": query})
        assert await one.value("agent_memory_cache_hits_total") == 2
        assert await one.value("agent_memory_cache_misses_total") == 3
        assert await one.value("agent_memory_cache_evictions_total") == 1
        assert await one.value("agent_memory_cache_entries") == 2
        taken = await one.value("agent_memory_cache_size_bytes")
        assert 0 < taken < await one.value("agent_memory_cache_limit_bytes") == 200 * 2**20


async def test_refusals_by_the_limit_that_refused(tmp_path: Path) -> None:
    limits = {"RATE_LIMIT": "1", "RATE_LIMIT_BURST_MAX": "2", "RATE_LIMIT_PER_AGENT_MAX": "3"}
    async with watched(sqlite(tmp_path, **limits, RATE_LIMIT_BURST_WINDOW_MS="60000")) as one:
        for _ in range(4):
            await one.call("memory_recall", {})
        assert await one.value("agent_memory_rate_limit_admitted_total") == 2
        assert await one.value("agent_memory_rate_limit_refusals_total", window="burst") == 2
        assert await one.value("agent_memory_rate_limit_refusals_total") == 2
        assert await one.value(CALLS, outcome="rate_limited") == 2


async def test_jobs_by_kind_state_and_end(one: Watched) -> None:
    storage, now = one.app.storage, one.app.clock.now
    for kind in ("good", "bad", "bad"):
        await storage.apply(Enqueue(NewJob(kind=kind, max_attempts=1), at=now()))
    [good] = await storage.lease_jobs(["good"], owner="w", ttl=60)
    [bad] = await storage.lease_jobs(["bad"], owner="w", ttl=60)
    await storage.fail_job(bad, reason="broken", retry_in=0)
    jobs = "agent_memory_jobs"

    async def seen() -> bool:
        return await one.value(jobs, kind="bad", state="dead") == 1

    await one.until(seen)
    assert await one.value(jobs, kind="good", state="leased") == 1
    assert await one.value(jobs, kind="bad", state="waiting") == 1
    assert await one.value(jobs) == 3
    assert 0 < await one.value("agent_memory_job_oldest_due_age_seconds") < 60
    await storage.complete_job(good)
    assert await one.value("agent_memory_jobs_finished_total", kind="good", outcome="done") == 1
    assert await one.value("agent_memory_jobs_finished_total", kind="bad", outcome="dead") == 1


async def test_the_lag_of_events_by_who_wrote(tmp_path: Path) -> None:
    environment = sqlite(tmp_path)
    settings = read_settings(environment).settings
    count = "agent_memory_event_lag_seconds_count"
    async with watched(environment) as one, open_app(settings, Log("error")) as other:
        await one.remember("mine")

        async def heard() -> bool:
            return await one.value(count, origin="own") == 1

        await one.until(heard)
        await other.storage.apply()
        assert await one.value(count, origin="other") == 0


async def test_the_breaker_before_an_embedding_server(tmp_path: Path) -> None:
    state, moves = "agent_memory_circuit_breaker_state", "agent_memory_circuit_breaker_transitions_total"
    async with EmbeddingServer().running() as embedding:
        environment = sqlite(
            tmp_path, EMBEDDER="openai", EMBEDDER_URL=embedding.url, EMBEDDER_MODEL="test",
            EMBEDDER_DIMENSION=str(DIMENSION), CB_RESET_TIMEOUT_MS="600000",
        )  # fmt: skip
        async with watched(environment) as one:
            assert await one.value(state, breaker="embedder", state="closed") == 1
            embedding.down = True
            await one.remember("tea at four")
            for number in range(3):
                await one.call("memory_recall", {"query": f"tea {number}, when?"})
            assert await one.value(state, breaker="embedder", state="open") == 1
            assert await one.value(moves, breaker="embedder", before="closed", after="open") == 1


async def test_breaker_database_and_errors_while_postgresql_is_away() -> None:
    thresholds = {"CB_FAILURE_THRESHOLD": "2", "CB_RESET_TIMEOUT_MS": "300", "CB_SUCCESS_THRESHOLD": "1"}
    state, moves = "agent_memory_circuit_breaker_state", "agent_memory_circuit_breaker_transitions_total"
    async with fresh_database(SOURCES[0]) as server, TcpGate(server.host, server.port) as gate:
        there = msgspec.structs.replace(server, host="127.0.0.1", port=gate.port)
        async with watched(environment_of(there, **thresholds)) as one:
            assert await one.value(state, breaker="postgresql", state="closed") == 1
            assert await one.value("agent_memory_pool_connections") >= 2
            await gate.shut()
            for number in range(4):
                await one.call("memory_get", {"ids": [str(number)]})
            assert await one.value(state, breaker="postgresql", state="open") == 1
            assert await one.value(state, breaker="postgresql") == 1
            assert await one.value(moves, before="closed", after="open") == 1
            assert await one.value(CALLS, outcome="unavailable") == 2
            assert await one.value(CALLS, outcome="circuit_open") == 2

            async def away() -> bool:
                return await one.value("agent_memory_database_up") == 0

            async def back() -> bool:
                await one.call("memory_get", {"ids": ["x"]})
                return (
                    await one.value(state, state="closed") == await one.value("agent_memory_database_up") == 1
                )

            await one.until(away)
            await gate.open()
            await one.until(back)
            assert await one.value(moves, before="half-open", after="closed") == 1


async def test_redis_away_and_back(tmp_path: Path) -> None:
    redis = private_server()
    try:
        async with watched(sqlite(tmp_path, REDIS_ENABLED="true", REDIS_PORT=str(redis.port))) as one:
            assert await one.value("agent_memory_redis_up") == 1
            assert await one.value("agent_memory_redis_memory_used_bytes") > 0
            assert await one.value("agent_memory_redis_memory_limit_bytes") == 0
            before = await one.value("agent_memory_redis_connection_failures_total")
            redis.kill()

            async def away() -> bool:
                failures = await one.value("agent_memory_redis_connection_failures_total")
                return failures > before and not await one.value("agent_memory_redis_up")

            async def back() -> bool:
                return bool(await one.value("agent_memory_redis_up"))

            await one.until(away)
            redis.start()
            await one.until(back)
    finally:
        redis.kill()


async def test_transactions_and_the_size_of_the_file(one: Watched) -> None:
    before = await one.value("agent_memory_database_transactions_total")
    await one.remember("tea at four")

    async def counted() -> bool:
        return await one.value("agent_memory_database_transactions_total") > before

    await one.until(counted)
    assert await one.value("agent_memory_database_size_bytes", part="main") > 0
    assert await one.value("agent_memory_database_transaction_retries_total") == 0


async def test_openmetrics_for_who_asks_for_it(one: Watched) -> None:
    page = await one.fetch(accept="application/openmetrics-text; version=1.0.0")
    assert page.headers["Content-Type"].startswith(
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    )
    assert page.body.endswith("# EOF\n")
    names = {family.name for family in READ(page.body)}
    assert "agent_memory_tool_calls_in_flight" in names
    plain = await one.fetch(accept="text/html, */*")
    assert plain.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert (await one.fetch(accept="application/openmetrics-text; version=x")).status == 200


async def test_names_follow_the_rules_of_prometheus(one: Watched) -> None:
    await one.remember("tea at four")
    page = await one.fetch()
    kinds = dict(re.findall(r"^# TYPE (agent_memory_\w+) (\w+)$", page.body, re.MULTILINE))
    for name, kind in kinds.items():
        assert name.endswith("_total") == (kind == "counter"), name
        assert not re.search(r"_(ms|millis|kb|mb|percent)(_|$)", name), name
        if kind == "histogram":
            assert name.endswith("_seconds")


async def test_the_page_of_documents_tells_every_series() -> None:
    told = set(re.findall(r"^\| `(agent_memory_\w+)", PAGE, re.MULTILINE))
    redis = private_server()
    shape = {"REDIS_ENABLED": "true", "REDIS_PORT": str(redis.port), "RATE_LIMIT": "1"}
    try:
        async with fresh_database(SOURCES[0]) as server, watched(environment_of(server, **shape)) as one:
            page = await one.fetch()
            exported = set(re.findall(r"^# TYPE (agent_memory_\w+) ", page.body, re.MULTILINE))
    finally:
        redis.kill()
    assert exported == told


async def test_a_port_that_is_taken_is_said(one: Watched, tmp_path: Path) -> None:
    taken = read_settings(sqlite(tmp_path / "other", METRICS_PORT=str(one.port))).settings
    async with open_app(taken, Log("error")) as app:
        with pytest.raises(Misconfigured, match=f"{one.port}.*another process has this port"):
            async with observed(app, taken, Log("error")):
                raise AssertionError("it was opened")
        async with observed(app, taken, Log("error"), must_listen=False) as seen:
            assert seen.port is None


async def test_a_client_s_server_serves_on_although_the_port_is_taken(one: Watched, tmp_path: Path) -> None:
    folder = tmp_path / "client"
    folder.mkdir()
    async with raw_server(folder, METRICS_PORT=str(one.port)) as server:
        await server.done("memory_remember", {"content": "tea at four"})
    assert "another process has this port" in (folder / "stderr").read_text()


async def test_a_client_s_server_tells_its_own_figures(tmp_path: Path) -> None:
    port = free_port()
    async with raw_server(tmp_path, METRICS_PORT=str(port)) as server:
        await server.done("memory_remember", {"content": "tea at four"})
        page = await asyncio.to_thread(fetch, port)
        assert f'{CALLS}{{outcome="ok",tool="memory_remember"}} 1.0' in page.body


async def test_without_prometheus_client_health_is_told_and_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    monkeypatch.delitem(sys.modules, "agent_memory.entrypoints.observability.exposition", raising=False)
    async with watched(sqlite(tmp_path)) as one:
        page = await one.fetch("/metrics")
        assert (page.status, "install agent-memory[metrics]" in page.body) == (501, True)
        assert (await one.fetch("/readyz")).status == 200


async def test_without_opentelemetry_wanted_traces_are_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    monkeypatch.delitem(sys.modules, "agent_memory.entrypoints.observability.traces", raising=False)
    with pytest.raises(Misconfigured, match="install agent-memory\\[otel\\], or set OTEL_SDK_DISABLED=true"):
        async with watched(sqlite(tmp_path) | {"OTEL_TRACES_EXPORTER": "console"}):
            raise AssertionError("it was opened")


async def test_without_a_port_nothing_is_wrapped(tmp_path: Path) -> None:
    settings = read_settings(sqlite(tmp_path)).settings
    async with open_app(settings, Log("error")) as app:
        assert app.storage is app.store
        async with observed(app, settings, Log("error")) as seen:
            assert seen.port is None


def test_the_worker_has_a_port_unless_it_is_told_not_to(tmp_path: Path) -> None:
    assert worker_metrics(read_settings(sqlite(tmp_path)).settings).metrics_port == WORKER_PORT
    assert worker_metrics(read_settings(sqlite(tmp_path, METRICS_PORT="0")).settings).metrics_port == 0
    assert worker_metrics(read_settings(sqlite(tmp_path, METRICS_PORT="9999")).settings).metrics_port == 9999
