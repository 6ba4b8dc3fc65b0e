"""CircuitBreaker, third part: without the place where its state is shared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .breaker_calls import THREE, admitted, ended, fail, refused, state_of, succeed, trip
from .breaker_probes import BreakerProbes
from .suite import level, needs, settle

if TYPE_CHECKING:
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
