from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from . import inprocess_harnesses
from .cache_contract import CacheContract
from .harness import Bench

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path


class TestInProcessCache(CacheContract):
    @pytest.fixture
    async def harness(self, tmp_path: Path) -> AsyncGenerator[inprocess_harnesses.CacheHarness]:
        async with inprocess_harnesses.cache(Bench(folder=tmp_path)) as harness:
            yield harness
