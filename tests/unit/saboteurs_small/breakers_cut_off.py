"""Saboteurs of the clauses on a circuit breaker that is cut off from where its state is shared."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from agent_memory.adapters.inprocess.breaker_machine import BreakerMachine
from agent_memory.adapters.inprocess.circuit_breaker import InProcessCircuitBreaker
from agent_memory.ports.circuit_breaker import Thresholds

from .registry import breaks
from .remote_breaker import RemoteBreaker, Rewired

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from agent_memory.ports.circuit_breaker import BreakerStatus


@breaks("BREAKER-38", "BREAKER-39")
class FailsWithWhatItShares(RemoteBreaker):
    @asynccontextmanager
    async def guard(self) -> AsyncGenerator[None]:
        self.line.check()
        async with super().guard():
            yield


@breaks("BREAKER-38")
class TellsNothingWhenCutOff(RemoteBreaker):
    async def status(self) -> BreakerStatus:
        self.line.check()
        return await super().status()


@breaks("BREAKER-39")
class CountsNothingWhenCutOff(Rewired):
    def failed(self, generation: int) -> None:
        if not self.line.is_cut:
            super().failed(generation)


@breaks("BREAKER-40")
class RaisesForAnOutcomeThatItCannotTell(Rewired):
    def succeeded(self, generation: int) -> None:
        self.line.check()
        super().succeeded(generation)


@breaks("BREAKER-41")
class StaysAlone(RemoteBreaker):
    """Once it has been cut off."""

    @asynccontextmanager
    async def guard(self) -> AsyncGenerator[None]:
        if self.line.is_cut:
            self.machine = BreakerMachine("backend", Thresholds(failures=3))
            self.inner = InProcessCircuitBreaker(clock=self.clock, machine=self.machine)
        async with super().guard():
            yield
