"""The descriptors of the adapters that come with the program, named in pyproject.toml as anyone's are."""

from __future__ import annotations

from ..adapters.postgres.event_bus_message import MAX_PAYLOAD as POSTGRES_PAYLOAD
from ..adapters.redis.event_bus_message import MAX_PAYLOAD as REDIS_PAYLOAD
from ..ports.adapter import (
    BlobStoreAdapter,
    CacheAdapter,
    CircuitBreakerAdapter,
    EmbedderAdapter,
    EventBusAdapter,
    LockAdapter,
    RateLimiterAdapter,
    StorageAdapter,
)
from ..ports.cache import CacheCapabilities
from ..ports.circuit_breaker import CircuitBreakerCapabilities
from ..ports.event_bus import EventBusCapabilities
from ..ports.lock import LockCapabilities
from ..ports.rate_limiter import RateLimiterCapabilities
from ..ports.storage import StorageCapabilities
from . import builtin_making

_KIT = "agent_memory_contract"
_POSTGRES = ("asyncpg",)
_REDIS = ("redis",)

SQLITE_STORAGE = StorageAdapter(
    contract=1,
    summary="one SQLite file, safe for many processes of one host",
    capabilities=StorageCapabilities(
        name="sqlite",
        durable=True,
        shared="host",
        vectors="exact",
        concurrent_units=False,
        marks=True,
        backups=True,
        settles=True,
    ),
    make=builtin_making.sqlite_storage,
    harness=f"{_KIT}.sqlite_harnesses:storage",
)
POSTGRES_STORAGE = StorageAdapter(
    contract=1,
    summary="a PostgreSQL server with pgvector, for a team",
    capabilities=StorageCapabilities(
        name="postgresql", durable=True, shared="network", vectors="approximate", concurrent_units=True
    ),
    make=builtin_making.postgres_storage,
    harness=f"{_KIT}.postgres_harnesses:storage",
    needs=_POSTGRES,
)
INPROCESS_CACHE = CacheAdapter(
    contract=1,
    summary="this process's memory, bounded in bytes and entries",
    capabilities=CacheCapabilities(name="in-process", shared="process"),
    make=builtin_making.inprocess_cache,
    harness=f"{_KIT}.inprocess_harnesses:cache",
)
REDIS_CACHE = CacheAdapter(
    contract=1,
    summary="a Redis server, with a near cache in each process",
    capabilities=CacheCapabilities(name="redis", shared="network", lag=1.0),
    make=builtin_making.redis_cache,
    harness=f"{_KIT}.redis_harnesses:cache",
    needs=_REDIS,
)
INPROCESS_LOCK = LockAdapter(
    contract=1,
    summary="this process's memory",
    capabilities=LockCapabilities(name="in-process", durable=False, shared="process"),
    make=builtin_making.inprocess_lock,
    harness=f"{_KIT}.inprocess_harnesses:lock",
)
SQLITE_LOCK = LockAdapter(
    contract=1,
    summary="a SQLite file beside the memory, for the processes of one host",
    capabilities=LockCapabilities(name="sqlite", durable=True, shared="host"),
    make=builtin_making.sqlite_lock,
    harness=f"{_KIT}.sqlite_harnesses:lock",
)
POSTGRES_LOCK = LockAdapter(
    contract=1,
    summary="a table of leases in PostgreSQL; waiters are woken by NOTIFY",
    capabilities=LockCapabilities(name="postgresql", durable=True, shared="network"),
    make=builtin_making.postgres_lock,
    harness=f"{_KIT}.postgres_harnesses:lock",
    needs=_POSTGRES,
)
REDIS_LOCK = LockAdapter(
    contract=1,
    summary="a Redis server, one script a decision",
    capabilities=LockCapabilities(name="redis", durable=True, shared="network"),
    make=builtin_making.redis_lock,
    harness=f"{_KIT}.redis_harnesses:lock",
    needs=_REDIS,
)
INPROCESS_EVENT_BUS = EventBusAdapter(
    contract=1,
    summary="this process's memory",
    capabilities=EventBusCapabilities(name="in-process", shared="process"),
    make=builtin_making.inprocess_bus,
    harness=f"{_KIT}.inprocess_harnesses:event_bus",
)
POSTGRES_EVENT_BUS = EventBusAdapter(
    contract=1,
    summary="LISTEN and NOTIFY of PostgreSQL",
    capabilities=EventBusCapabilities(name="postgresql", shared="network", max_payload=POSTGRES_PAYLOAD),
    make=builtin_making.postgres_bus,
    harness=f"{_KIT}.postgres_harnesses:event_bus",
    needs=_POSTGRES,
)
REDIS_EVENT_BUS = EventBusAdapter(
    contract=1,
    summary="publish and subscribe of Redis",
    capabilities=EventBusCapabilities(name="redis", shared="network", max_payload=REDIS_PAYLOAD),
    make=builtin_making.redis_bus,
    harness=f"{_KIT}.redis_harnesses:event_bus",
    needs=_REDIS,
)
INPROCESS_RATE_LIMITER = RateLimiterAdapter(
    contract=1,
    summary="this process's memory, a sliding log a key",
    capabilities=RateLimiterCapabilities(name="in-process", shared="process"),
    make=builtin_making.inprocess_limiter,
    harness=f"{_KIT}.inprocess_harnesses:rate_limiter",
)
REDIS_RATE_LIMITER = RateLimiterAdapter(
    contract=1,
    summary="a Redis server, all windows in one script",
    capabilities=RateLimiterCapabilities(name="redis", shared="network"),
    make=builtin_making.redis_limiter,
    harness=f"{_KIT}.redis_harnesses:rate_limiter",
    needs=_REDIS,
)
INPROCESS_CIRCUIT_BREAKER = CircuitBreakerAdapter(
    contract=1,
    summary="this process's memory",
    capabilities=CircuitBreakerCapabilities(name="in-process", shared="process"),
    make=builtin_making.inprocess_breaker,
    harness=f"{_KIT}.inprocess_harnesses:circuit_breaker",
)
REDIS_CIRCUIT_BREAKER = CircuitBreakerAdapter(
    contract=1,
    summary="a state that all instances share through Redis, and each its own without it",
    capabilities=CircuitBreakerCapabilities(name="redis", shared="network"),
    make=builtin_making.redis_breaker,
    harness=f"{_KIT}.redis_harnesses:circuit_breaker",
    needs=_REDIS,
)
STATIC_EMBEDDER = EmbedderAdapter(
    contract=1,
    summary="the model in the package: no download, microseconds a text",
    capabilities=None,
    make=builtin_making.embedder,
    harness=f"{_KIT}.embedder_harnesses:static",
)
ONNX_EMBEDDER = EmbedderAdapter(
    contract=1,
    summary="a sentence model in an ONNX file",
    capabilities=None,
    make=builtin_making.embedder,
    harness=f"{_KIT}.embedder_harnesses:onnx",
    needs=("onnxruntime", "tokenizers"),
)
OPENAI_EMBEDDER = EmbedderAdapter(
    contract=1,
    summary="a server with OpenAI's embeddings interface",
    capabilities=None,
    make=builtin_making.embedder,
    harness=f"{_KIT}.embedder_harnesses:openai",
    needs=("aiohttp",),
)
FOLDER_BLOB_STORE = BlobStoreAdapter(
    contract=1,
    summary="a folder of this host",
    make=builtin_making.folder_blob_store,
    harness=f"{_KIT}.blob_files_harness:blob_store",
)
