from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.entrypoints.builtin import INPROCESS_CACHE

from . import inprocess_harnesses
from .cache_contract import CacheContract
from .declaration import Declaration
from .harness import Bench

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from agent_memory.ports.adapter import Adapter


class TestInProcessCache(Declaration, CacheContract):
    @pytest.fixture
    def declared(self) -> Adapter:
        return INPROCESS_CACHE

    @pytest.fixture
    async def harness(self, tmp_path: Path) -> AsyncGenerator[inprocess_harnesses.CacheHarness]:
        async with inprocess_harnesses.cache(Bench(folder=tmp_path)) as harness:
            yield harness
