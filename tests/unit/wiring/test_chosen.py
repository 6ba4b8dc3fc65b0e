"""What is chosen by name stands where it should in the open program. The adapters are ours, as someone else's package
would bring them: shared by all that open them in this process, as by a host.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from agent_memory.core.caller import Caller
from agent_memory.core.requests import FileLock, Recall, Remember
from agent_memory.core.requests_moving import ExportCall, ImportCall
from agent_memory.entrypoints.health import check_health
from agent_memory.entrypoints.logs import Log
from agent_memory.entrypoints.moving import make_moving
from agent_memory.entrypoints.settings import read_settings
from agent_memory.entrypoints.wiring import open_app
from agent_memory.ports.errors import LockTimeout, Misconfigured, NotFound, RateLimited
from agent_memory.ports.records import Event

from .packages import on_the_path, package

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from agent_memory.entrypoints.wiring import App

SOURCE = """
from contextlib import asynccontextmanager, nullcontext
from agent_memory.adapters.files.blobs import FileBlobStore
from agent_memory.adapters.inprocess.breaker_machine import BreakerMachine
from agent_memory.adapters.inprocess.cache import CacheState, InProcessCache
from agent_memory.adapters.inprocess.circuit_breaker import InProcessCircuitBreaker
from agent_memory.adapters.inprocess.event_bus import EventHub, InProcessEventBus
from agent_memory.adapters.inprocess.lock import InProcessLock
from agent_memory.adapters.inprocess.lock_table import LockTable
from agent_memory.adapters.inprocess.rate_limiter import InProcessRateLimiter
from agent_memory.adapters.inprocess.sliding_log import SlidingLogs
from agent_memory.adapters.embedders.static import StaticEmbedder
from agent_memory.adapters.sqlite import SqliteStorage
from agent_memory.ports.adapter import *
from agent_memory.ports.adapter import (
    CacheCapabilities, CircuitBreakerCapabilities, EventBusCapabilities, LockCapabilities, RateLimiterCapabilities,
    StorageCapabilities,
)

HOST = {"name": "acme", "shared": "host"}
MADE = []
hub, state, table, logs = EventHub(), CacheState(), LockTable(), SlidingLogs()

def told(make):
    def tell(setup):
        MADE.append(setup)
        return make(setup)
    return tell

def common(make):
    return {"contract": 1, "summary": "", "make": told(make), "harness": "acme:harness"}

@asynccontextmanager
async def lock(setup):
    async with InProcessLock(clock=setup.clock, table=table) as made:
        yield made

def storage(setup):
    setup.refuse_other_options()
    return SqliteStorage(setup.path, clock=setup.clock, origin=setup.instance)

BUS = EventBusAdapter(capabilities=EventBusCapabilities(**HOST), **common(lambda _: InProcessEventBus(hub=hub)))
CACHE = CacheAdapter(
    capabilities=CacheCapabilities(**HOST), **common(lambda setup: InProcessCache(clock=setup.clock, state=state))
)
LOCK = LockAdapter(capabilities=LockCapabilities(**HOST, durable=False), **common(lock))
LIMITER = RateLimiterAdapter(
    capabilities=RateLimiterCapabilities(**HOST),
    **common(lambda setup: InProcessRateLimiter(clock=setup.clock, logs=logs)),
)
BREAKER = CircuitBreakerAdapter(
    capabilities=CircuitBreakerCapabilities(**HOST),
    **common(lambda setup: InProcessCircuitBreaker(
        clock=setup.clock, machine=BreakerMachine(setup.name, setup.thresholds)
    )),
)
EMBEDDER = EmbedderAdapter(capabilities=None, **common(lambda _: StaticEmbedder()))
STORAGE = StorageAdapter(
    capabilities=StorageCapabilities(**HOST, durable=True, vectors="exact", concurrent_units=False), **common(storage)
)
BLOBS = BlobStoreAdapter(**common(lambda setup: nullcontext(FileBlobStore(setup.path))))
NOTHING = LockAdapter(capabilities=LockCapabilities(**HOST, durable=False), **common(lambda _: 7))
FAILING = LockAdapter(
    capabilities=LockCapabilities(**HOST, durable=False), **common(lambda setup: float(setup.options["timeout"]))
)
"""
ENTRIES = {
    "event_bus": "BUS",
    "cache": "CACHE",
    "lock": "LOCK",
    "rate_limiter": "LIMITER",
    "circuit_breaker": "BREAKER",
    "embedder": "EMBEDDER",
    "storage": "STORAGE",
    "blob_store": "BLOBS",
}
CALLER = Caller(client="test", agent="ada", tool="test")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of the package, for a look at what was made."""
    site, name = tmp_path / "site", f"acme_{tmp_path.parent.name}_{tmp_path.name}".replace("-", "_")
    on_the_path(site, monkeypatch)
    groups = {f"agent_memory.{port}": {"acme": f"{name}:{what}"} for port, what in ENTRIES.items()}
    groups["agent_memory.lock"]["nothing"] = f"{name}:NOTHING"
    groups["agent_memory.lock"]["failing"] = f"{name}:FAILING"
    package(site, name, groups, SOURCE)
    return __import__(name)


def opened(folder: Path, **given: str) -> AbstractAsyncContextManager[App]:
    environment = {"HOME": str(folder), "AGENT_MEMORY_DATA_DIR": str(folder / "data")}
    environment |= {f"AGENT_MEMORY_{name}": value for name, value in given.items()}
    return open_app(read_settings(environment).settings, Log("error"))


@asynccontextmanager
async def two(folder: Path, **given: str) -> AsyncGenerator[tuple[App, App]]:
    async with opened(folder, **given) as one, opened(folder, **given) as other:
        yield one, other


async def test_a_lock_is_shared_by_all_that_choose_it(tmp_path: Path, acme: Any) -> None:
    """It is made when a file is first locked."""
    async with two(tmp_path, LOCK="acme://host:7?x=1") as (one, other):
        assert acme.MADE == []
        assert one.lock.capabilities.name == "acme"
        await one.file_locks.act(FileLock(action="checkout", file_path="a.py"), CALLER)
        with pytest.raises(LockTimeout):
            await other.file_locks.act(
                FileLock(action="checkout", file_path="a.py"), Caller(client="test", agent="bob", tool="test")
            )
        setup = acme.MADE[0]
        assert (setup.text, setup.host, setup.port, setup.options) == (
            "acme://host:7?x=1",
            "host",
            7,
            {"x": "1"},
        )
        assert (setup.instance, setup.folder) == (one.instance, str(tmp_path / "data"))
    assert not (tmp_path / "data" / "memory.db-locks").exists()


async def test_an_event_bus_tells_other_instances(tmp_path: Path, acme: Any) -> None:
    async with two(tmp_path, EVENT_BUS="acme") as (one, other), other.feed.watch("global") as changes:
        await one.memory.remember(Remember(content="We deploy on Fridays"), CALLER)
        async with asyncio.timeout(30):
            told = await anext(changes)
        assert isinstance(told, Event)
        assert told.origin == one.instance
    assert len(acme.MADE) == 2


async def test_a_cache_keeps_answers_for_all(tmp_path: Path, acme: Any) -> None:
    async with two(tmp_path, CACHE="acme", EMBEDDER="off") as (one, other):
        await one.memory.remember(Remember(content="We deploy on Fridays"), CALLER)
        for app in (one, other):
            found = await app.memory.recall(Recall(query="deploy"), CALLER)
            assert len(found.results) == 1
        assert len(one.query_cache.caches) == 2
        assert one.query_cache.caches[1].stats().entries == 1
    assert [(setup.max_bytes > 0, setup.max_entries) for setup in acme.MADE] == [(True, 1000)] * 2


async def test_a_cache_is_not_made_where_nothing_is_kept(tmp_path: Path, acme: Any) -> None:
    async with opened(tmp_path, CACHE="acme", QUERY_CACHE_SIZE="0"):
        assert acme.MADE == []


async def test_a_rate_limiter_counts_the_calls_of_all(tmp_path: Path, acme: Any) -> None:
    given = {"RATE_LIMITER": "acme", "RATE_LIMIT_BURST_MAX": "3", "RATE_LIMIT_BURST_WINDOW_MS": "3600000"}
    async with two(tmp_path, **given) as (one, other):
        assert one.limits is not None
        assert other.limits is not None
        for app in (one.limits, other.limits, one.limits):
            await app.admit(CALLER, None)
        with pytest.raises(RateLimited):
            await other.limits.admit(CALLER, None)
    assert len(acme.MADE) == 2


async def test_the_breaker_before_a_rate_limiter_is_one_of_all(tmp_path: Path, acme: Any) -> None:
    """So that its state is told by figures, and counted when it changes."""
    async with opened(tmp_path, RATE_LIMITER="acme") as app:
        assert [(await one.status()).name for one in app.breakers] == ["limiter acme"]
    assert len(acme.MADE) == 1


async def test_a_blob_store_keeps_named_exports(tmp_path: Path, acme: Any) -> None:
    """Of everybody, and of each ceiling for itself."""
    place = tmp_path / "exports"
    request = ExportCall(name="friday.jsonl")
    async with opened(tmp_path, BLOB_STORE=f"acme://{place}") as app:
        await app.memory.remember(Remember(content="We deploy on Fridays"), CALLER)
        below = Caller(client="test", agent="ada", tool="test", ceiling="acme/app")
        await make_moving(app, "global").export(request, CALLER)
        with pytest.raises(NotFound, match=r"name 'friday.jsonl': there is none"):
            await make_moving(app, "acme/app").import_(ImportCall(name="friday.jsonl"), below)
        await make_moving(app, "acme/app").export(request, below)
        told = await make_moving(app, "global").import_(ImportCall(name="friday.jsonl", dry_run=True), CALLER)
        assert told.entries.skipped == 1
    assert sorted(file.name.partition("~")[0] for file in place.iterdir()) == ["friday.jsonl", "scope"]
    assert len(acme.MADE) == 1
    assert not (tmp_path / "data" / "memory.db-exports").exists()


async def test_a_circuit_breaker_stands_before_the_storage(tmp_path: Path, acme: Any) -> None:
    async with opened(tmp_path, CIRCUIT_BREAKER="acme", CB_FAILURE_THRESHOLD="9") as app:
        assert app.storage is not app.store
        assert (await check_health(app, "global")).breaker["name"] == "sqlite"
    assert [(setup.name, setup.thresholds.failures) for setup in acme.MADE] == [("sqlite", 9)]


async def test_an_embedder_is_opened_beside_the_static_one(tmp_path: Path, acme: Any) -> None:
    async with opened(tmp_path, EMBEDDER="acme"):
        assert len(acme.MADE) == 1


@pytest.mark.parametrize("name", ["STORAGE", "DB_TYPE"])
async def test_a_storage_keeps_the_memory(tmp_path: Path, acme: Any, name: str) -> None:
    """And the locks are beside it, in the data folder."""
    file = tmp_path / "elsewhere.db"
    async with opened(tmp_path, **{name: f"acme://{file}"}) as app:
        await app.memory.remember(Remember(content="We deploy on Fridays"), CALLER)
        assert len((await app.memory.recall(Recall(query="deploy"), CALLER)).results) == 1
        assert app.settings.place == f"acme://{file}"
        assert (await check_health(app, "global")).database["type"] == "acme"
        await app.file_locks.act(FileLock(action="checkout", file_path="a.py"), CALLER)
    assert file.exists()
    assert (tmp_path / "data" / "memory.db-locks").exists()
    assert not (tmp_path / "data" / "memory.db").exists()
    assert len(acme.MADE) == 1


async def test_a_storage_of_many_hosts_needs_locks_of_many_hosts(
    tmp_path: Path, acme: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = type(acme.STORAGE.capabilities)(
        name="acme", durable=True, shared="network", vectors="exact", concurrent_units=False
    )
    monkeypatch.setattr("agent_memory.adapters.sqlite.storage.SqliteStorage.capabilities", far)
    given = {"STORAGE": f"acme://{tmp_path}/far.db"}
    with pytest.raises(Misconfigured, match="set AGENT_MEMORY_LOCK"):
        async with opened(tmp_path, **given):
            pass
    async with opened(tmp_path, **given, LOCK="acme") as app:
        assert app.breaker is not None
        assert (await app.breaker.status()).name == "acme"


@pytest.mark.usefixtures("acme")
async def test_what_makes_no_adapter_is_named(tmp_path: Path) -> None:
    async with opened(tmp_path, LOCK="nothing") as app:
        with pytest.raises(
            Misconfigured, match=r"'nothing' of acme_.* made a int, which is no async context"
        ):
            await app.file_locks.act(FileLock(action="checkout", file_path="a.py"), CALLER)


@pytest.mark.usefixtures("acme")
async def test_what_fails_as_it_is_made_is_named(tmp_path: Path) -> None:
    async with opened(tmp_path, LOCK="failing://?timeout=soon") as app:
        with pytest.raises(
            Misconfigured, match=r"'failing' of acme_.* cannot be made as it is set: ValueError: could not"
        ):
            await app.file_locks.act(FileLock(action="checkout", file_path="a.py"), CALLER)


@pytest.mark.usefixtures("acme")
async def test_an_option_that_is_not_known_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"acme: option 'speed' is not known \(it has none\)"):
        async with opened(tmp_path, STORAGE=f"acme://{tmp_path}/x.db?speed=9"):
            pass
