from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.inprocess.breaker_machine import BreakerMachine
from agent_memory.adapters.inprocess.circuit_breaker import InProcessCircuitBreaker
from agent_memory.ports.circuit_breaker import Thresholds, Transition
from agent_memory.ports.errors import CircuitOpen, Conflict, NotFound, PortError, Rejected, Unavailable
from agent_memory_contract.manual_clock import settle

if TYPE_CHECKING:
    from agent_memory_contract.manual_clock import ManualClock


@pytest.fixture
def breaker(clock: ManualClock) -> InProcessCircuitBreaker:
    thresholds = Thresholds(failures=2, reset_timeout=10.0, successes=1)
    return InProcessCircuitBreaker(clock=clock, machine=BreakerMachine("db", thresholds))


async def raise_inside(breaker: InProcessCircuitBreaker, error: BaseException) -> None:
    with pytest.raises(type(error)):
        async with breaker.guard():
            raise error


async def trip(breaker: InProcessCircuitBreaker) -> None:
    for _ in range(2):
        await raise_inside(breaker, Unavailable("down"))
    assert (await breaker.status()).state == "open"


@pytest.mark.parametrize("error", [Unavailable("down"), ConnectionResetError(), OSError(), TimeoutError()])
async def test_these_are_failures(breaker: InProcessCircuitBreaker, error: Exception) -> None:
    await raise_inside(breaker, error)
    assert (await breaker.status()).failures == 1


@pytest.mark.parametrize(
    "error", [Rejected("x"), NotFound("x"), Conflict("x"), PortError("x"), KeyError("x")]
)
async def test_these_are_answers(breaker: InProcessCircuitBreaker, error: Exception) -> None:
    await raise_inside(breaker, Unavailable("down"))
    await raise_inside(breaker, error)
    assert (await breaker.status()).failures == 0


@pytest.mark.parametrize("error", [asyncio.CancelledError(), GeneratorExit()])
async def test_these_say_nothing(breaker: InProcessCircuitBreaker, error: BaseException) -> None:
    await raise_inside(breaker, Unavailable("down"))
    await raise_inside(breaker, error)
    assert (await breaker.status()).failures == 1


async def test_a_cancelled_probe_leaves_its_place_to_the_next(
    breaker: InProcessCircuitBreaker, clock: ManualClock
) -> None:
    await trip(breaker)
    await clock.advance(10.0)

    async def probe() -> None:
        async with breaker.guard():
            await clock.sleep(100.0)

    probing = asyncio.create_task(probe())
    await settle()
    with pytest.raises(CircuitOpen, match="a probe is under way"):
        async with breaker.guard():
            pass
    probing.cancel()
    await settle()
    async with breaker.guard():
        pass
    assert (await breaker.status()).state == "closed"


async def test_a_listener_that_fails_is_logged_and_stops_nobody(
    breaker: InProcessCircuitBreaker, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[Transition] = []

    def fail(_: Transition) -> None:
        raise LookupError("no such metric")

    breaker.on_transition(fail)
    breaker.on_transition(told.append)
    await trip(breaker)
    assert told == [Transition("db", "closed", "open")]
    assert "no such metric" in caplog.text


async def test_two_clients_share_state_and_hear_of_it_until_they_leave(clock: ManualClock) -> None:
    machine = BreakerMachine("db", Thresholds(failures=2, reset_timeout=10.0, successes=1))
    heard: list[tuple[str, str]] = []
    async with InProcessCircuitBreaker(clock=clock, machine=machine) as mine:
        mine.on_transition(lambda transition: heard.append(("mine", transition.after)))
        async with InProcessCircuitBreaker(clock=clock, machine=machine) as theirs:
            theirs.on_transition(lambda transition: heard.append(("theirs", transition.after)))
            await trip(mine)
            with pytest.raises(CircuitOpen):
                async with theirs.guard():
                    pass
        await clock.advance(10.0)
        async with mine.guard():
            pass
    assert heard == [("mine", "open"), ("theirs", "open"), ("mine", "half-open"), ("mine", "closed")]
