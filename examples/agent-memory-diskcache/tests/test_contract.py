"""The third door: the contract's clauses as tests of this package, and what is ours alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from agent_memory_diskcache.certification import DiskHarness

from agent_memory_contract.cache_contract import CacheContract
from agent_memory_contract.harness import Bench

if TYPE_CHECKING:
    from pathlib import Path


class TestDiskCache(CacheContract):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> DiskHarness:
        return DiskHarness(Bench(folder=tmp_path))

    async def test_values_are_there_after_a_restart(self, harness: DiskHarness) -> None:
        async with harness.open() as cache:
            await cache.put("a", b"one", ttl=10.0)
            await cache.put("b", b"two", ttl=1_000.0)
            await cache.put("c", b"three", ttl=1_000.0)
            await cache.delete("c")
        await harness.advance(11.0)
        async with harness.open() as cache:
            assert [await cache.get(key) for key in ("a", "b", "c")] == [None, b"two", None]
