"""The classes that try an adapter by its name: the plugin collects the one of its port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .blob_store_contract import BlobStoreContract
from .cache_contract import CacheContract
from .circuit_breaker_contract import CircuitBreakerContract
from .declaration import Declaration
from .embedder_contract import EmbedderContract
from .event_bus_contract import EventBusContract
from .harness import Bench, Harness
from .lock_contract import LockContract
from .rate_limiter_contract import RateLimiterContract
from .selection import SELECTED
from .storage_contract import StorageContract

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from agent_memory.ports.adapter import Adapter


class Chosen(Declaration):
    """A fresh harness for each clause, from the function that the descriptor names."""

    @pytest.fixture
    def declared(self, pytestconfig: pytest.Config) -> Adapter:
        return pytestconfig.stash[SELECTED].adapter

    @pytest.fixture
    async def harness(self, pytestconfig: pytest.Config, tmp_path: Path) -> AsyncGenerator[Harness[Any]]:
        selected = pytestconfig.stash[SELECTED]
        async with selected.open(Bench(url=selected.url, folder=tmp_path)) as harness:
            yield harness


class TestStorage(Chosen, StorageContract):
    port = "storage"


class TestCache(Chosen, CacheContract):
    port = "cache"


class TestLock(Chosen, LockContract):
    port = "lock"


class TestEventBus(Chosen, EventBusContract):
    port = "event_bus"


class TestRateLimiter(Chosen, RateLimiterContract):
    port = "rate_limiter"


class TestCircuitBreaker(Chosen, CircuitBreakerContract):
    port = "circuit_breaker"


class TestEmbedder(Chosen, EmbedderContract):
    port = "embedder"


class TestBlobStore(Chosen, BlobStoreContract):
    port = "blob_store"
