from __future__ import annotations

from typing import TYPE_CHECKING, Self

from ...ports.breaker_rules import FAILURES
from ...ports.circuit_breaker import CircuitBreakerCapabilities

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from ...ports.circuit_breaker import BreakerStatus, Transition
    from ...ports.clock import Clock
    from .breaker_machine import BreakerMachine


class InProcessCircuitBreaker:
    """A client of `machine`."""

    def __init__(self, *, clock: Clock, machine: BreakerMachine) -> None:
        self._clock = clock
        self._machine = machine
        self._listeners: list[Callable[[Transition], None]] = []

    @property
    def capabilities(self) -> CircuitBreakerCapabilities:
        return CircuitBreakerCapabilities(name="in-process", shared="process")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for listener in self._listeners:
            self._machine.listeners.remove(listener)
        self._listeners.clear()

    def guard(self) -> _Guard:
        return _Guard(self._machine, self._clock)

    async def status(self) -> BreakerStatus:
        return self._machine.status(self._clock.monotonic())

    def on_transition(self, listener: Callable[[Transition], None]) -> None:
        self._listeners.append(listener)
        self._machine.listeners.append(listener)


class _Guard:
    """One call. A timeout belongs inside the block: from outside it comes as a cancellation, which says nothing."""

    __slots__ = ("_clock", "_generation", "_machine")

    def __init__(self, machine: BreakerMachine, clock: Clock) -> None:
        self._machine = machine
        self._clock = clock

    async def __aenter__(self) -> None:
        self._generation = self._machine.admit(self._clock.monotonic())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, FAILURES):
            self._machine.failed(self._generation, self._clock.monotonic())
        elif error is None or isinstance(error, Exception):
            self._machine.succeeded(self._generation)
        else:
            self._machine.withdrawn(self._generation)
