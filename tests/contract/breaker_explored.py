"""CircuitBreaker, fourth part: calls that overlap in any way move it as a plain model says."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Literal

import msgspec
import pytest
from hypothesis import strategies as st

from agent_memory.ports.errors import CircuitOpen, NotFound, Unavailable

from .breaker_calls import THREE, Call, ended, refused, state_of, succeed
from .breaker_cut_off import BreakerCutOff
from .exploring import explore, schedule
from .suite import cancelled, level, needs, running, soon

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_memory.ports.circuit_breaker import BreakerState, CircuitBreaker, Transition

    from .breaker_states import BreakerHarness

How = Literal["well", "unavailable", "reset", "timeout", "mistake", "cancelled"]
ERRORS: dict[How, Exception] = {
    "unavailable": Unavailable("down"),
    "reset": ConnectionResetError(),
    "timeout": TimeoutError(),
    "mistake": NotFound("absent"),
}
STEP = 8.0
"""Seconds. The reset timeout ends between two of them."""
OPEN_CALLS = 5
MOMENT = 0.0625
"""Seconds after which a breaker has noticed what another one has seen. All moments of a schedule stay far from STEP."""


class Begin(msgspec.Struct, frozen=True):
    client: int


class End(msgspec.Struct, frozen=True):
    which: int
    how: How


class Pass(msgspec.Struct, frozen=True):
    steps: int


class Short(msgspec.Struct, frozen=True):
    """A call that overlaps nothing."""

    client: int
    how: How


Step = Begin | End | Pass | Short

_CLIENTS = st.integers(0, 1)
_HOW: st.SearchStrategy[How] = st.sampled_from(
    (
        "well",
        "well",
        "unavailable",
        "unavailable",
        "unavailable",
        "reset",
        "timeout",
        "mistake",
        "cancelled",
        "cancelled",
    )
)
STEPS: tuple[st.SearchStrategy[Step], ...] = (
    st.builds(Begin, _CLIENTS),
    st.builds(Begin, _CLIENTS),
    st.builds(End, st.integers(0, 5), _HOW),
    st.builds(Short, _CLIENTS, _HOW),
    st.builds(Short, _CLIENTS, _HOW),
    st.builds(Pass, st.sampled_from((1, 4, 4))),
)


class Model:
    """The states after Nygard; `turn` counts them, so that a late outcome is told."""

    def __init__(self) -> None:
        self.state: BreakerState = "closed"
        self.turn = 0
        self.failures = 0
        self.successes = 0
        self.probe: object = None
        self.now = 0.0
        self.opened = 0.0
        self.told: list[tuple[BreakerState, BreakerState]] = []

    def left(self) -> float:
        return max(0.0, self.opened + THREE.reset_timeout - self.now) if self.state == "open" else 0.0

    def begin(self, call: object) -> int | None:
        """The turn it is admitted in, or None."""
        if self.state == "open":
            if self.left() > 0:
                return None
            self._enter("half-open")
        if self.state == "half-open":
            if self.probe is not None:
                return None
            self.probe = call
        return self.turn

    def end(self, turn: int, how: How) -> None:
        if turn != self.turn:
            return
        self.probe = None
        if how in {"unavailable", "reset", "timeout"}:
            self.failures += 1
            if self.state == "half-open" or self.failures >= THREE.failures:
                self.opened = self.now
                self._enter("open")
        elif how != "cancelled":
            self.failures = 0
            self.successes += 1
            if self.state == "half-open" and self.successes >= THREE.successes:
                self._enter("closed")

    def _enter(self, state: BreakerState) -> None:
        self.told.append((self.state, state))
        self.state, self.failures, self.successes, self.probe = state, 0, 0, None
        self.turn += 1


class Play:
    def __init__(self, harness: BreakerHarness, breakers: Sequence[CircuitBreaker]) -> None:
        self._harness = harness
        self._breakers = breakers
        self._model = Model()
        self._stack = AsyncExitStack()
        self._under_way: list[tuple[Call, asyncio.Task[None], int]] = []

    async def run(self, steps: Sequence[Step]) -> Model:
        async with self._stack:
            for step in steps:
                match step:
                    case Begin() if len(self._under_way) < OPEN_CALLS:
                        await self._begin(self._breaker(step.client))
                    case End() if self._under_way:
                        await self._end(step.which % len(self._under_way), step.how)
                    case Short():
                        if await self._begin(self._breaker(step.client)):
                            await self._end(-1, step.how)
                    case Pass():
                        await self._pass(STEP * step.steps)
                    case _:
                        pass
                if len(self._breakers) > 1:
                    await self._pass(MOMENT)
                for breaker in self._breakers:
                    await self._check(breaker)
            while self._under_way:
                await self._end(-1, "cancelled")
        return self._model

    async def _pass(self, seconds: float) -> None:
        self._model.now += seconds
        await self._harness.advance(seconds)

    def _breaker(self, which: int) -> CircuitBreaker:
        return self._breakers[which % len(self._breakers)]

    async def _begin(self, breaker: CircuitBreaker) -> bool:
        call = Call(breaker)
        turn = self._model.begin(call)
        if turn is None:
            told = await refused(breaker)
            if self._model.state == "open":
                assert told.retry_after == pytest.approx(self._model.left(), abs=0.5)
            return False
        task = await self._stack.enter_async_context(running(call.run()))
        async with running(call.entered.wait()) as entering:
            await soon(asyncio.wait({entering, task}, return_when=asyncio.FIRST_COMPLETED))
        assert not (task.done() and isinstance(task.exception(), CircuitOpen)), "a call was not admitted"
        self._under_way.append((call, task, turn))
        return True

    async def _end(self, which: int, how: How) -> None:
        call, task, turn = self._under_way.pop(which)
        self._model.end(turn, how)
        if how == "cancelled":
            await cancelled(task)
            return
        call.end(ERRORS.get(how))
        await ended(task)
        assert task.exception() is ERRORS.get(how)

    async def _check(self, breaker: CircuitBreaker) -> None:
        status, model = await breaker.status(), self._model
        assert status.state == model.state
        if model.state == "closed":
            assert status.failures == model.failures
        if model.state == "half-open":
            assert status.successes == model.successes
        assert status.retry_after == pytest.approx(model.left(), abs=0.5)


async def make_closed(harness: BreakerHarness, breaker: CircuitBreaker) -> None:
    """As it was when new, whatever the schedule before left."""
    await harness.advance(THREE.reset_timeout + 1.0)
    await succeed(breaker)
    while await state_of(breaker) != "closed":
        await succeed(breaker)


class BreakerExplored(BreakerCutOff):
    @level("concurrent")
    async def test_breaker_51_calls_that_overlap_move_it_as_modelled(
        self, harness: BreakerHarness, seed: int
    ) -> None:
        """Every admission, every state, and each transition once and in order."""
        told: list[Transition] = []
        async with harness.open(THREE) as breaker:
            breaker.on_transition(told.append)

            async def play(_: int, steps: list[Step]) -> None:
                await make_closed(harness, breaker)
                told.clear()
                model = await Play(harness, [breaker]).run(steps)
                assert [(each.before, each.after) for each in told] == model.told

            await explore(schedule(*STEPS), seed, play)

    @level("concurrent")
    async def test_breaker_52_clients_move_the_one_circuit(self, harness: BreakerHarness, seed: int) -> None:
        """As one would, and both say so."""
        needs(harness, "second_client")
        async with harness.open(THREE) as one, harness.second_client(THREE) as two:

            async def play(_: int, steps: list[Step]) -> None:
                await make_closed(harness, one)
                await Play(harness, [one, two]).run(steps)

            await explore(schedule(*STEPS), seed, play)
