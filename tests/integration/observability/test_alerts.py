"""deploy/alerts.yml: what it says is there, on an instance of the largest shape with a load on it."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent_memory.adapters.embedders.static import DIMENSION
from agent_memory.ports.changes import Enqueue, NewJob
from agent_memory_contract.embedding_server import EmbeddingServer
from agent_memory_contract.servers.postgres import SOURCES, fresh_database
from agent_memory_contract.servers.redis import private_server
from agent_memory_contract.tcp_gate import TcpGate

from ..postgres_shape import environment_of
from .rules import RULES, rules, series_of
from .watched import Watched, watched

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from .watched import Series

SETTINGS = {
    "RATE_LIMIT": "1",
    "RATE_LIMIT_PER_AGENT_MAX": "60",
    "RATE_LIMIT_BURST_MAX": "50",
    "QUERY_CACHE_SIZE": "3",
    "CB_FAILURE_THRESHOLD": "3",
    "CB_RESET_TIMEOUT_MS": "300",
    "CB_SUCCESS_THRESHOLD": "1",
    "REDIS_ENABLED": "true",
    "EMBEDDER": "openai",
    "EMBEDDER_MODEL": "test",
    "EMBEDDER_DIMENSION": str(DIMENSION),
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def gate() -> AsyncGenerator[tuple[TcpGate, dict[str, str]]]:
    """Before PostgreSQL, and an environment in which it is reached through the gate, and Redis directly."""
    redis = private_server("--maxmemory", "64mb")
    try:
        async with (
            fresh_database(SOURCES[0]) as server,
            TcpGate(server.host, server.port) as gate,
            EmbeddingServer().running() as embedding,
        ):
            there = msgspec.structs.replace(server, host="127.0.0.1", port=gate.port)
            yield (
                gate,
                environment_of(there, **SETTINGS, REDIS_PORT=str(redis.port), EMBEDDER_URL=embedding.url),
            )
    finally:
        redis.kill()


async def work(one: Watched, gate: TcpGate) -> None:
    """A little of everything that a rule asks about."""
    ids = [await one.remember(f"fact {number}: tea at four") for number in range(6)]
    for entry in (*ids, *ids[:2] * 3):
        await one.call("memory_get", {"ids": [entry]})
    for _ in range(3):
        await one.call("memory_recall", {"query": "tea"})
    await one.call("memory_file_lock", {"action": "checkout", "file_path": "a.py", "agent_id": "ada"})
    await one.call("memory_file_lock", {"action": "checkout", "file_path": "a.py", "agent_id": "bob"})
    for _ in range(70):
        await one.call("memory_get", {"ids": ids[:1]})
    await one.app.storage.apply(Enqueue(NewJob(kind="broken", max_attempts=1), at=one.app.clock.now()))
    [lease] = await one.app.storage.lease_jobs(["broken"], owner="w", ttl=9)
    assert not await one.app.storage.fail_job(lease, reason="it is", retry_in=0)
    await gate.shut()
    for number in range(5):
        await one.call("memory_update", {"id": ids[0], "title": f"{number}", "agent_id": f"agent {number}"})
    await gate.open()


async def test_every_series_that_a_rule_names_is_exported_under_load(
    gate: tuple[TcpGate, dict[str, str]],
) -> None:
    door, environment = gate
    async with watched(environment) as one:
        await work(one, door)

        async def read_again() -> bool:
            return bool(await one.value("agent_memory_jobs", state="dead"))

        await one.until(read_again)
        samples = await one.samples()
    missing = [
        f"{named.alert}: {named.name} {named.matchers}"
        for rule in rules()
        for named in series_of(rule)
        if not any(
            name == named.name
            and all(label in dict(labels) for label, _, _ in named.matchers)
            and all(matcher.accepts(dict(labels)[matcher.label]) for matcher in named.matchers)
            for name, labels in samples
        )
    ]
    assert missing == []
    assert strange_labels(samples) == []


def strange_labels(samples: dict[Series, float]) -> list[str]:
    """Labels that a rule groups by, and no series that it names has."""
    labels_of: dict[str, set[str]] = {}
    for name, labels in samples:
        labels_of.setdefault(name, set()).update(label for label, _ in labels)
    return [
        f"{rule['alert']}: {label}"
        for rule in rules()
        for label in {label for named in series_of(rule) for label in named.grouped}
        if not any(label in labels_of[named.name] for named in series_of(rule))
    ]


def test_there_are_rules_and_each_names_a_series() -> None:
    assert len(rules()) > 30
    assert [rule["alert"] for rule in rules() if not series_of(rule)] == []


def test_each_rule_says_how_bad_it_is_what_happened_and_what_to_do() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))
    for rule in rules():
        assert rule["labels"]["severity"] in {"warning", "high", "critical"}
        assert rule["annotations"].keys() == {"summary", "action"}
        assert re.fullmatch(r"\d+[mhd]", rule.get("for", "1m"))


PAIRS = {
    "PoolUsage": ("0.7", "0.9"),
    "QueryLatency": ("0.1", "0.5"),
    "TransactionRetries": ("0.01", "0.05"),
    "CacheMemory": ("0.8", "0.95"),
    "CacheEvictions": ("100", "1000"),
    "RedisConnectionFailures": ("1", "10"),
    "LockFailures": ("0.05", "0.2"),
    "EventLag": ("0.1", "1"),
    "RedisMemory": ("0.7", "0.9"),
    "ErrorRate": ("0.01", "0.05"),
}


@pytest.mark.parametrize("figure", sorted(PAIRS))
def test_the_two_thresholds_of_a_figure_are_those_of_the_scaling_guide(figure: str) -> None:
    found = {rule["alert"]: rule for rule in rules()}
    for name, threshold, severity in zip(
        (f"{figure}High", f"{figure}Critical"), PAIRS[figure], ("warning", "critical"), strict=True
    ):
        assert found[name]["expr"].split(">")[-1].strip() == threshold
        assert found[name]["labels"]["severity"] == severity


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not on PATH")
@pytest.mark.parametrize("asked", [("check", RULES), ("test", Path(__file__).with_name("alerts_test.yml"))])
def test_promtool_accepts_the_rules_and_they_fire_when_they_should(asked: tuple[str, Path]) -> None:
    task, file = asked
    ran = subprocess.run(["promtool", task, "rules", str(file)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_what_a_saboteur_renames_is_missed() -> None:
    """The reader of expressions, on one that names what nobody exports, or groups by what no series has."""
    rule = {
        "alert": "x",
        "expr": 'sum by (planet) (agent_memory_cache_hits_total{cache!~"a|b", moon="1"}) > 1',
    }
    [named] = series_of(rule)
    assert (named.name, named.grouped) == ("agent_memory_cache_hits_total", {"planet"})
    assert [matcher.accepts("a") for matcher in named.matchers] == [False, False]
    assert [matcher.accepts("1") for matcher in named.matchers] == [True, True]


async def test_scraping_does_not_ask_the_database(gate: tuple[TcpGate, dict[str, str]]) -> None:
    """It has other things to do, and its figures are read by a task of their own."""
    door, environment = gate
    async with watched(environment) as one:
        await door.shut()
        pages = await asyncio.gather(*(one.fetch() for _ in range(12)))
        assert {page.status for page in pages} == {200}
        await door.open()
