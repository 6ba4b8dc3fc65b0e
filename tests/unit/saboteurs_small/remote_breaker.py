"""An upright circuit breaker, as a client, and one whose steps a saboteur may replace."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

from agent_memory.adapters.inprocess.breaker_machine import BreakerMachine
from agent_memory.adapters.inprocess.circuit_breaker import InProcessCircuitBreaker
from agent_memory.ports.circuit_breaker import (
    BreakerStatus,
    CircuitBreakerCapabilities,
    Thresholds,
    Transition,
)
from agent_memory.ports.errors import Unavailable

from .lines import CutHarness, Line

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from agent_memory_contract.manual_clock import ManualClock


FAILURES = (Unavailable, OSError)
FAR = 1_000.0


class RemoteBreaker:
    def __init__(self, clock: ManualClock, line: Line, machine: BreakerMachine) -> None:
        self.clock = clock
        self.line = line
        self.machine = machine
        self.inner = InProcessCircuitBreaker(clock=clock, machine=machine)

    @property
    def capabilities(self) -> CircuitBreakerCapabilities:
        return CircuitBreakerCapabilities(name="remote", shared="process")

    async def __aenter__(self) -> Self:
        await self.inner.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.inner.__aexit__(kind, error, trace)

    @classmethod
    def circuit(cls, thresholds: Thresholds | None) -> BreakerMachine:
        """The state that the clients of one harness share."""
        return BreakerMachine("backend", thresholds)

    def guard(self) -> AbstractAsyncContextManager[None]:
        return self.inner.guard()

    async def status(self) -> BreakerStatus:
        return await self.inner.status()

    def on_transition(self, listener: Callable[[Transition], None]) -> None:
        self.inner.on_transition(listener)


class Rewired(RemoteBreaker):
    """Guards by steps of its own, each of which a saboteur may replace."""

    @property
    def state(self) -> str:
        return self.machine.status(self.clock.monotonic()).state

    def admit(self) -> int:
        return self.machine.admit(self.clock.monotonic())

    def failed(self, generation: int) -> None:
        self.machine.failed(generation, self.clock.monotonic())

    def succeeded(self, generation: int) -> None:
        self.machine.succeeded(generation)

    def withdrawn(self, generation: int) -> None:
        self.machine.withdrawn(generation)

    def is_failure(self, error: Exception) -> bool:
        return isinstance(error, FAILURES)

    @asynccontextmanager
    async def guard(self) -> AsyncGenerator[None]:
        generation = self.admit()
        try:
            yield
        except Exception as error:
            (self.failed if self.is_failure(error) else self.succeeded)(generation)
            raise
        except BaseException:
            self.withdrawn(generation)
            raise
        self.succeeded(generation)


class BreakerCutHarness(CutHarness[RemoteBreaker]):
    def __init__(self, kind: type[RemoteBreaker]) -> None:
        super().__init__(lambda clock, line: kind(clock, line, self.machine))
        self.kind = kind

    def open(self, thresholds: Thresholds | None = None) -> AbstractAsyncContextManager[RemoteBreaker]:
        self.machine = self.kind.circuit(thresholds)
        return super().open()

    def second_client(
        self, thresholds: Thresholds | None = None
    ) -> AbstractAsyncContextManager[RemoteBreaker]:
        return super().second_client()
