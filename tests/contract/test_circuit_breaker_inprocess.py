from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from . import inprocess_harnesses
from .circuit_breaker_contract import CircuitBreakerContract
from .harness import Bench

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path


class TestInProcessCircuitBreaker(CircuitBreakerContract):
    @pytest.fixture
    async def harness(self, tmp_path: Path) -> AsyncGenerator[inprocess_harnesses.BreakerHarness]:
        async with inprocess_harnesses.circuit_breaker(Bench(folder=tmp_path)) as harness:
            yield harness
