from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from . import inprocess_harnesses
from .harness import Bench
from .rate_limiter_contract import RateLimiterContract

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from agent_memory.adapters.inprocess.rate_limiter import InProcessRateLimiter

    from .inprocess_harness import InProcessHarness


class TestInProcessRateLimiter(RateLimiterContract):
    @pytest.fixture
    async def harness(self, tmp_path: Path) -> AsyncGenerator[InProcessHarness[InProcessRateLimiter]]:
        async with inprocess_harnesses.rate_limiter(Bench(folder=tmp_path)) as harness:
            yield harness
