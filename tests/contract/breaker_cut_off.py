"""CircuitBreaker, third part: without the place where its state is shared."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from agent_memory.ports.circuit_breaker import Thresholds
from agent_memory.ports.errors import Misconfigured

from .breaker_calls import THREE, admitted, ended, fail, refused, state_of, succeed, trip
from .breaker_probes import BreakerProbes
from .suite import level, needs, settle

if TYPE_CHECKING:
    from agent_memory.ports.circuit_breaker import Transition

    from .breaker_states import BreakerHarness

BACK = 5.0
"""Seconds after which a breaker has noticed that it can share again."""


class BreakerCutOff(BreakerProbes):
    @level("faulty")
    async def test_breaker_38_cut_off_it_lets_calls_through(self, harness: BreakerHarness) -> None:
        """What it guards may be well: neither the guard nor the status raises."""
        needs(harness, "sever")
        async with harness.open(THREE) as breaker:
            await succeed(breaker)
            await harness.sever()
            for _ in range(3):
                await succeed(breaker)
            assert await state_of(breaker) == "closed"

    @level("faulty")
    async def test_breaker_39_cut_off_it_opens_by_itself(self, harness: BreakerHarness) -> None:
        """At the same threshold, and after the reset timeout it probes."""
        needs(harness, "sever")
        async with harness.open(THREE) as breaker:
            await harness.sever()
            await trip(breaker)
            await refused(breaker)
            await harness.advance(31.0)
            async with admitted(breaker):
                await refused(breaker)

    @level("faulty")
    async def test_breaker_40_cut_off_within_a_call_nothing_is_lost_but_its_outcome(
        self, harness: BreakerHarness
    ) -> None:
        """The call ends as its block does, and the next one is let through."""
        needs(harness, "sever")
        async with harness.open(THREE) as breaker:
            async with admitted(breaker) as (call, task):
                await harness.sever()
                call.end()
                await ended(task)
                assert task.exception() is None
            await succeed(breaker)

    @level("faulty")
    async def test_breaker_41_healed_it_shares_again(self, harness: BreakerHarness) -> None:
        """Failures of both clients count together."""
        needs(harness, "sever")
        needs(harness, "second_client")
        async with harness.open(THREE) as one, harness.second_client(THREE) as two:
            await harness.sever()
            await succeed(one)
            await succeed(two)
            await harness.heal()
            await harness.advance(BACK)
            await settle(harness, one.status)
            await fail(one)
            await fail(two)
            await fail(one)
            assert await state_of(two) == "open"
            await refused(one)

    @level("concurrent")
    async def test_breaker_42_one_that_was_left_tells_nothing_more(self, harness: BreakerHarness) -> None:
        """Its listeners hear no transition that comes after."""
        needs(harness, "second_client")
        told: list[Transition] = []
        async with harness.open(THREE) as stays:
            async with harness.second_client(THREE) as leaves:
                leaves.on_transition(told.append)
                assert await state_of(leaves) == "closed"
            await trip(stays)
            await settle(harness, stays.status)
        assert told == []

    async def test_breaker_43_refuses_thresholds_that_make_no_sense(self, harness: BreakerHarness) -> None:
        """None that is not positive, no reset timeout without an end: `Misconfigured` before anything is guarded."""
        for thresholds in (
            Thresholds(failures=0),
            Thresholds(successes=0),
            Thresholds(reset_timeout=0.0),
            Thresholds(reset_timeout=-1.0),
            Thresholds(reset_timeout=math.inf),
            Thresholds(reset_timeout=math.nan),
        ):
            with pytest.raises(Misconfigured):
                async with harness.open(thresholds) as breaker:
                    await succeed(breaker)
