from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.inprocess.breaker_machine import BreakerMachine
from agent_memory.adapters.inprocess.circuit_breaker import InProcessCircuitBreaker

from .breaker_calls import THREE
from .circuit_breaker_contract import CircuitBreakerContract
from .inprocess_harness import InProcessHarness

if TYPE_CHECKING:
    from agent_memory.ports.circuit_breaker import Thresholds
    from agent_memory.ports.clock import Clock


class BreakerHarness(InProcessHarness[InProcessCircuitBreaker]):
    """The circuit is made when first opened, with the thresholds given then."""

    def __init__(self) -> None:
        super().__init__(self._client)
        self._machine: BreakerMachine | None = None

    def open(self, thresholds: Thresholds = THREE) -> InProcessCircuitBreaker:
        if self._machine is None:
            self._machine = BreakerMachine("db", thresholds)
        return self._client(self._clock)

    def second_client(self, thresholds: Thresholds = THREE) -> InProcessCircuitBreaker:
        return self.open(thresholds)

    def _client(self, clock: Clock) -> InProcessCircuitBreaker:
        assert self._machine is not None, "open it first"
        return InProcessCircuitBreaker(clock=clock, machine=self._machine)


class TestInProcessCircuitBreaker(CircuitBreakerContract):
    @pytest.fixture
    def harness(self) -> BreakerHarness:
        return BreakerHarness()
