"""Circuit breakers that break one promise each."""

from __future__ import annotations

import asyncio
import math
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

import msgspec

from agent_memory.adapters.inprocess.breaker_machine import BreakerMachine
from agent_memory.ports.circuit_breaker import (
    BreakerStatus,
    Thresholds,
    Transition,
)
from agent_memory.ports.errors import CircuitOpen, Conflict, NotFound, PortError, Rejected, Unavailable

from .registry import breaks
from .remote_breaker import FAR, RemoteBreaker, Rewired

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from agent_memory_contract.manual_clock import ManualClock

    from .lines import Line


@breaks("BREAKER-01")
class BeginsOpen(Rewired):
    async def __aenter__(self) -> Self:
        for _ in range(5):
            self.failed(0)
        return self


@breaks("BREAKER-02")
class OpensLate(Rewired):
    forgiven = False

    def failed(self, generation: int) -> None:
        if self.forgiven:
            super().failed(generation)
        self.forgiven = True


@breaks("BREAKER-02")
class OpensEarly(Rewired):
    def failed(self, generation: int) -> None:
        super().failed(generation)
        super().failed(generation)


@breaks("BREAKER-03")
class CountsAllFailures(Rewired):
    def succeeded(self, generation: int) -> None:
        if self.state != "closed":
            super().succeeded(generation)


@breaks("BREAKER-04")
class PassesOverTimeouts(Rewired):
    def is_failure(self, error: Exception) -> bool:
        return super().is_failure(error) and not isinstance(error, TimeoutError)


@breaks("BREAKER-05", "BREAKER-27")
class BlamesTheBackendForTheCaller(Rewired):
    def is_failure(self, error: Exception) -> bool:
        return super().is_failure(error) or isinstance(error, (Rejected, NotFound, Conflict))


@breaks("BREAKER-06")
class CountsEveryError(Rewired):
    def is_failure(self, error: Exception) -> bool:
        return super().is_failure(error) or not isinstance(error, PortError)


@breaks("BREAKER-07")
class WrapsErrors(RemoteBreaker):
    @asynccontextmanager
    async def guard(self) -> AsyncGenerator[None]:
        try:
            async with super().guard():
                yield
        except Unavailable as error:
            raise Unavailable(f"behind the breaker: {error}") from error


@breaks("BREAKER-08")
class ProbesEarly(Rewired):
    def admit(self) -> int:
        return self.machine.admit(self.clock.monotonic() + 5)


@breaks("BREAKER-08")
class ProbesLate(Rewired):
    def admit(self) -> int:
        return self.machine.admit(self.clock.monotonic() - 5)


@breaks("BREAKER-16")
class SaysWholeMilliseconds(Rewired):
    def admit(self) -> int:
        try:
            return super().admit()
        except CircuitOpen as error:
            wait = math.floor(1e3 * error.retry_after) / 1e3
            raise CircuitOpen(str(error), wait) from error


@breaks("BREAKER-17")
class RefusesForASecond(Rewired):
    since = math.inf

    def admit(self) -> int:
        now = self.clock.monotonic()
        if self.state == "closed":
            self.since = now
        elif now < self.since + 1.0:
            raise CircuitOpen("not so soon", 0.5)
        return super().admit()


@breaks("BREAKER-08")
class ProbesAMomentLate(Rewired):
    def admit(self) -> int:
        return self.machine.admit(self.clock.monotonic() - 0.001)


@breaks("BREAKER-09")
class SaysTheWholeTimeout(Rewired):
    def admit(self) -> int:
        try:
            return super().admit()
        except CircuitOpen as error:
            raise CircuitOpen(str(error), 30.0) from error


@breaks("BREAKER-10")
class PunishesTheImpatient(Rewired):
    until = 0.0

    def admit(self) -> int:
        if self.state == "open":
            now = self.clock.monotonic()
            quiet, self.until = now >= self.until, now + 29.5
            if not quiet:
                raise CircuitOpen("be quiet", 29.5)
        return super().admit()


@breaks("BREAKER-11", "BREAKER-28")
class CountsCancellationAsFailure(Rewired):
    def withdrawn(self, generation: int) -> None:
        self.failed(generation)


@breaks("BREAKER-11", "BREAKER-28")
class CountsCancellationAsSuccess(Rewired):
    def withdrawn(self, generation: int) -> None:
        self.succeeded(generation)


@breaks("BREAKER-12", "BREAKER-14")
class TellsTwice(RemoteBreaker):
    def on_transition(self, listener: Callable[[Transition], None]) -> None:
        super().on_transition(listener)
        super().on_transition(listener)


@breaks("BREAKER-13")
class TellsNoCounts(RemoteBreaker):
    async def status(self) -> BreakerStatus:
        return msgspec.structs.replace(await super().status(), failures=0)


@breaks("BREAKER-15")
class LetsListenersRaise(Rewired):
    def __init__(self, clock: ManualClock, line: Line, machine: BreakerMachine) -> None:
        super().__init__(clock, line, machine)
        self.listeners: list[Callable[[Transition], None]] = []
        self.news: list[Transition] = []
        super().on_transition(self.news.append)

    def on_transition(self, listener: Callable[[Transition], None]) -> None:
        self.listeners.append(listener)

    def failed(self, generation: int) -> None:
        super().failed(generation)
        for transition in self.news:
            for listener in self.listeners:
                listener(transition)


@breaks("BREAKER-21", "BREAKER-37")
class AdmitsAllToProbe(Rewired):
    def admit(self) -> int:
        generation = super().admit()
        self.machine.withdrawn(generation)
        return generation


@breaks("BREAKER-22")
class OneProbeForGood(Rewired):
    def succeeded(self, generation: int) -> None:
        if self.state == "closed":
            super().succeeded(generation)


@breaks("BREAKER-23")
class ClosesAtOnce(Rewired):
    def succeeded(self, generation: int) -> None:
        super().succeeded(generation)
        super().succeeded(generation)


@breaks("BREAKER-24")
class ForgivesProbes(Rewired):
    def failed(self, generation: int) -> None:
        (super().failed if self.state == "closed" else super().withdrawn)(generation)


@breaks("BREAKER-25")
class RemembersGoodProbes(Rewired):
    good = 0

    def succeeded(self, generation: int) -> None:
        self.good += self.state == "half-open"
        super().succeeded(generation)
        if self.good >= 2:
            super().succeeded(generation)


@breaks("BREAKER-26")
class RemembersOldFailures(Rewired):
    failures = 0

    def failed(self, generation: int) -> None:
        self.failures += 1
        super().failed(generation)
        if self.failures > 3:
            super().failed(generation)


@breaks("BREAKER-28")
class KeepsTheSlotOfTheCancelled(Rewired):
    def withdrawn(self, generation: int) -> None:
        return


@breaks("BREAKER-29")
class LosesTheSlotOnTheWayIn(Rewired):
    @asynccontextmanager
    async def guard(self) -> AsyncGenerator[None]:
        generation = self.admit()
        for _ in range(3):
            await asyncio.sleep(0)
        try:
            yield
        except asyncio.CancelledError:
            self.withdrawn(generation)
            raise
        except Exception:
            self.failed(generation)
            raise
        self.succeeded(generation)


@breaks("BREAKER-30")
class ClosesOnALateSuccess(Rewired):
    def succeeded(self, generation: int) -> None:
        if self.state == "open":
            generation = self.machine.admit(self.clock.monotonic() + FAR)
        super().succeeded(generation)


@breaks("BREAKER-31")
class StaysOpenForALateFailure(Rewired):
    def failed(self, generation: int) -> None:
        if self.state == "open":
            generation = self.machine.admit(self.clock.monotonic() + FAR)
        super().failed(generation)


@breaks("BREAKER-32", "BREAKER-33", "BREAKER-34", "BREAKER-35")
class CountsLateOutcomes(Rewired):
    latest = 0

    def admit(self) -> int:
        self.latest = super().admit()
        return self.latest

    def current(self) -> int:
        return self.machine.admit(self.clock.monotonic()) if self.state == "closed" else self.latest

    def failed(self, generation: int) -> None:
        super().failed(self.current())

    def succeeded(self, generation: int) -> None:
        super().succeeded(self.current())


@breaks("BREAKER-36")
class OneCircuitForEachClient(RemoteBreaker):
    def __init__(self, clock: ManualClock, line: Line, machine: BreakerMachine) -> None:
        super().__init__(clock, line, BreakerMachine("backend", Thresholds(failures=3)))
