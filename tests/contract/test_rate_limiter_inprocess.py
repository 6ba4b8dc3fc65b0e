from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.entrypoints.builtin import INPROCESS_RATE_LIMITER

from . import inprocess_harnesses
from .declaration import Declaration
from .harness import Bench
from .rate_limiter_contract import RateLimiterContract

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from agent_memory.adapters.inprocess.rate_limiter import InProcessRateLimiter
    from agent_memory.ports.adapter import Adapter

    from .inprocess_harness import InProcessHarness


class TestInProcessRateLimiter(Declaration, RateLimiterContract):
    @pytest.fixture
    def declared(self) -> Adapter:
        return INPROCESS_RATE_LIMITER

    @pytest.fixture
    async def harness(self, tmp_path: Path) -> AsyncGenerator[InProcessHarness[InProcessRateLimiter]]:
        async with inprocess_harnesses.rate_limiter(Bench(folder=tmp_path)) as harness:
            yield harness
