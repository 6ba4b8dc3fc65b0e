"""CircuitBreaker, second part: half-open and its one probe, late outcomes, sharing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from agent_memory.ports.circuit_breaker import Thresholds
from agent_memory.ports.errors import CircuitOpen, NotFound, Unavailable

from .breaker_calls import THREE, Call, admitted, ended, fail, refused, state_of, succeed, trip
from .breaker_states import BreakerHarness, BreakerStates
from .suite import TURNS, cancelled, level, needs, running, settle, soon, turns

if TYPE_CHECKING:
    from agent_memory.ports.circuit_breaker import CircuitBreaker

CROWD = 50


async def half_open(harness: BreakerHarness, breaker: CircuitBreaker) -> None:
    """A probe may pass, none has."""
    await trip(breaker)
    await harness.advance(31.0)


async def one_probe(harness: BreakerHarness, *breakers: CircuitBreaker) -> list[asyncio.Task[None]]:
    """A crowd of calls, spread over the breakers: all have ended, and one of them ran its block."""
    calls = [Call(breakers[n % len(breakers)]) for n in range(CROWD)]
    tasks = {asyncio.create_task(call.run()) for call in calls}
    try:
        await settle(harness, breakers[0].status)
        assert sum(call.entered.is_set() for call in calls) == 1
        while sum(not task.done() for task in tasks) > 1:
            await soon(asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED))
            await turns(1)
        assert sum(call.entered.is_set() for call in calls) == 1
        for call in calls:
            call.end()
        await soon(asyncio.wait(tasks))
    finally:
        for task in tasks:
            task.cancel()
    return list(tasks)


class BreakerProbes(BreakerStates):
    @level("concurrent")
    async def test_breaker_21_half_open_admits_exactly_one(self, harness: BreakerHarness) -> None:
        """Of fifty at once one is the probe, the others are refused without running."""
        async with harness.open(THREE) as breaker:
            await half_open(harness, breaker)
            tasks = await one_probe(harness, breaker)
        assert sum(isinstance(task.exception(), CircuitOpen) for task in tasks) == CROWD - 1

    @level("concurrent")
    async def test_breaker_22_a_finished_probe_makes_room_for_the_next(self, harness: BreakerHarness) -> None:
        """One at a time, at once after it."""
        async with harness.open(THREE) as breaker:
            await half_open(harness, breaker)
            async with admitted(breaker) as (probe, task):
                await refused(breaker)
                probe.end()
                await ended(task)
            async with admitted(breaker):
                await refused(breaker)

    @level("concurrent")
    async def test_breaker_23_closes_after_enough_successes(self, harness: BreakerHarness) -> None:
        """Not at the first where two are asked; then all may call at once."""
        async with harness.open(THREE) as breaker:
            await half_open(harness, breaker)
            await succeed(breaker)
            assert await state_of(breaker) == "half-open"
            await succeed(breaker)
            assert await state_of(breaker) == "closed"
            async with admitted(breaker), admitted(breaker):
                assert await state_of(breaker) == "closed"

    async def test_breaker_24_a_failed_probe_opens_again(self, harness: BreakerHarness) -> None:
        """One is enough, for a whole reset timeout."""
        async with harness.open(THREE) as breaker:
            await half_open(harness, breaker)
            await fail(breaker)
            assert await state_of(breaker) == "open"
            await harness.advance(29.0)
            await refused(breaker)
            await harness.advance(1.5)
            await succeed(breaker)

    async def test_breaker_25_successes_must_be_in_a_row(self, harness: BreakerHarness) -> None:
        """Those before a failed probe do not count after it."""
        async with harness.open(THREE) as breaker:
            await half_open(harness, breaker)
            await succeed(breaker)
            await fail(breaker)
            await harness.advance(31.0)
            await succeed(breaker)
            assert await state_of(breaker) == "half-open"

    async def test_breaker_26_after_closing_the_count_begins_anew(self, harness: BreakerHarness) -> None:
        """The failures that opened it are forgotten."""
        async with harness.open(THREE) as breaker:
            await half_open(harness, breaker)
            await succeed(breaker)
            await succeed(breaker)
            await fail(breaker)
            await fail(breaker)
            assert await state_of(breaker) == "closed"

    async def test_breaker_27_a_callers_mistake_is_a_good_probe(self, harness: BreakerHarness) -> None:
        """The backend answered."""
        async with harness.open(THREE) as breaker:
            await half_open(harness, breaker)
            await fail(breaker, NotFound("absent"))
            await fail(breaker, NotFound("absent"))
            assert await state_of(breaker) == "closed"

    @level("faulty")
    async def test_breaker_28_a_cancelled_probe_gives_its_slot_back(self, harness: BreakerHarness) -> None:
        """Time and again: the next call is the probe, and nothing was counted."""
        async with harness.open(THREE) as breaker:
            await half_open(harness, breaker)
            await succeed(breaker)
            for _ in range(5):
                async with admitted(breaker) as (_, task):
                    await cancelled(task)
                status = await breaker.status()
                assert (status.state, status.successes) == ("half-open", 1)
            await succeed(breaker)
            assert await state_of(breaker) == "closed"

    @level("faulty")
    async def test_breaker_29_no_cancellation_keeps_the_slot(self, harness: BreakerHarness) -> None:
        """At whatever moment of its admission a call is cancelled, the next is admitted."""
        async with harness.open(Thresholds(failures=3, reset_timeout=30.0, successes=1_000)) as breaker:
            await half_open(harness, breaker)
            for moment in TURNS:
                async with running(Call(breaker).run()) as task:
                    await turns(moment)
                    await cancelled(task)
                await settle(harness, breaker.status)
                await succeed(breaker)

    @level("concurrent")
    async def test_breaker_30_a_late_success_does_not_close(self, harness: BreakerHarness) -> None:
        """Of a call admitted before it opened."""
        async with harness.open(Thresholds(failures=3, reset_timeout=30.0, successes=1)) as breaker:
            async with admitted(breaker) as (late, task):
                await trip(breaker)
                late.end()
                await ended(task)
            assert await state_of(breaker) == "open"
            await refused(breaker)

    @level("concurrent")
    async def test_breaker_31_a_late_failure_does_not_prolong(self, harness: BreakerHarness) -> None:
        """The reset timeout runs from the opening."""
        async with harness.open(THREE) as breaker:
            async with admitted(breaker) as (late, task):
                await trip(breaker)
                await harness.advance(20.0)
                late.end(Unavailable("down"))
                await ended(task)
            await harness.advance(11.0)
            await succeed(breaker)

    @level("concurrent")
    async def test_breaker_32_a_late_failure_is_no_failed_probe(self, harness: BreakerHarness) -> None:
        """It neither opens nor takes the slot of the probe that is under way."""
        async with harness.open(THREE) as breaker, admitted(breaker) as (late, late_task):
            await half_open(harness, breaker)
            async with admitted(breaker) as (probe, task):
                late.end(Unavailable("down"))
                await ended(late_task)
                assert await state_of(breaker) == "half-open"
                await refused(breaker)
                probe.end()
                await ended(task)
            assert (await breaker.status()).successes == 1

    @level("concurrent")
    async def test_breaker_33_a_late_success_is_no_good_probe(self, harness: BreakerHarness) -> None:
        """It counts for nothing, and frees nobody's slot."""
        async with harness.open(THREE) as breaker, admitted(breaker) as (late, late_task):
            await half_open(harness, breaker)
            async with admitted(breaker):
                late.end()
                await ended(late_task)
                assert (await breaker.status()).successes == 0
                await refused(breaker)

    @level("concurrent")
    async def test_breaker_34_a_late_failure_does_not_count_when_closed_again(
        self, harness: BreakerHarness
    ) -> None:
        """Closed is the same name, not the same state as when it was admitted."""
        async with harness.open(THREE) as breaker, admitted(breaker) as (late, task):
            await half_open(harness, breaker)
            await succeed(breaker)
            await succeed(breaker)
            late.end(Unavailable("down"))
            await ended(task)
            await fail(breaker)
            await fail(breaker)
            assert await state_of(breaker) == "closed"

    @level("concurrent")
    async def test_breaker_35_a_late_success_resets_nothing_when_closed_again(
        self, harness: BreakerHarness
    ) -> None:
        """Dropped as a late failure is."""
        async with harness.open(THREE) as breaker, admitted(breaker) as (late, task):
            await half_open(harness, breaker)
            await succeed(breaker)
            await succeed(breaker)
            await fail(breaker)
            await fail(breaker)
            late.end()
            await ended(task)
            await fail(breaker)
            assert await state_of(breaker) == "open"

    @level("concurrent")
    async def test_breaker_36_a_second_client_shares_the_state(self, harness: BreakerHarness) -> None:
        """Failures of both count together, and both refuse."""
        needs(harness, "second_client")
        async with harness.open(THREE) as one, harness.second_client(THREE) as two:
            await fail(one)
            await fail(two)
            await fail(one)
            assert await state_of(two) == "open"
            await refused(two)
            await refused(one)

    @level("concurrent")
    async def test_breaker_37_clients_share_the_one_probe(self, harness: BreakerHarness) -> None:
        """Of fifty calls on two clients one is admitted; its success counts for both."""
        needs(harness, "second_client")
        async with harness.open(THREE) as one, harness.second_client(THREE) as two:
            await half_open(harness, one)
            await one_probe(harness, one, two)
            await succeed(two)
            assert await state_of(one) == "closed"
