from __future__ import annotations

import pytest

from agent_memory.adapters.inprocess.cache import CacheState, InProcessCache

from .cache_contract import CacheContract
from .inprocess_harness import InProcessHarness


class CacheHarness(InProcessHarness[InProcessCache]):
    max_bytes = 64 * 1024

    def __init__(self) -> None:
        state = CacheState(max_bytes=self.max_bytes)
        super().__init__(lambda clock: InProcessCache(clock=clock, state=state))


class TestInProcessCache(CacheContract):
    @pytest.fixture
    def harness(self) -> CacheHarness:
        return CacheHarness()
