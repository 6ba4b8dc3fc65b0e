from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.entrypoints.builtin import INPROCESS_CIRCUIT_BREAKER

from . import inprocess_harnesses
from .circuit_breaker_contract import CircuitBreakerContract
from .declaration import Declaration
from .harness import Bench

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from agent_memory.ports.adapter import Adapter


class TestInProcessCircuitBreaker(Declaration, CircuitBreakerContract):
    @pytest.fixture
    def declared(self) -> Adapter:
        return INPROCESS_CIRCUIT_BREAKER

    @pytest.fixture
    async def harness(self, tmp_path: Path) -> AsyncGenerator[inprocess_harnesses.BreakerHarness]:
        async with inprocess_harnesses.circuit_breaker(Bench(folder=tmp_path)) as harness:
            yield harness
