"""CircuitBreaker, first part: what counts, what opens it, what it tells."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Protocol

import pytest

from agent_memory.ports.circuit_breaker import BreakerStatus, CircuitBreaker, Thresholds, Transition
from agent_memory.ports.errors import Conflict, NotFound, Rejected, Unavailable

from .breaker_calls import THREE, Call, admitted, fail, refused, state_of, succeed, trip
from .harness import Harness
from .suite import Suite, cancelled, level, soon

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager


class BreakerHarness(Harness[CircuitBreaker], Protocol):
    """Breakers of one harness share one name. Both ways to open one take the thresholds."""

    def open(self, thresholds: Thresholds = THREE) -> AbstractAsyncContextManager[CircuitBreaker]: ...

    def second_client(
        self, thresholds: Thresholds = THREE
    ) -> AbstractAsyncContextManager[CircuitBreaker]: ...


class BreakerStates(Suite):
    @pytest.fixture
    def harness(self) -> BreakerHarness:
        raise NotImplementedError("override `harness` with one of your adapter")

    async def test_breaker_01_begins_closed(self, harness: BreakerHarness) -> None:
        """And lets calls through."""
        async with harness.open(THREE) as breaker:
            assert await state_of(breaker) == "closed"
            await succeed(breaker)

    async def test_breaker_02_opens_at_the_threshold(self, harness: BreakerHarness) -> None:
        """At that failure, not one earlier; then refuses without running the block."""
        async with harness.open(THREE) as breaker:
            await fail(breaker)
            await fail(breaker)
            assert await state_of(breaker) == "closed"
            await fail(breaker)
            assert await state_of(breaker) == "open"
            await refused(breaker)

    async def test_breaker_03_counts_consecutive_failures(self, harness: BreakerHarness) -> None:
        """A success in between begins the count anew."""
        async with harness.open(THREE) as breaker:
            for _ in range(4):
                await fail(breaker)
                await fail(breaker)
                await succeed(breaker)
            assert await state_of(breaker) == "closed"

    async def test_breaker_04_counts_what_says_the_backend_failed(self, harness: BreakerHarness) -> None:
        """`Unavailable`, `OSError`, `TimeoutError` and their kinds."""
        for error in (Unavailable("down"), ConnectionRefusedError(), OSError(), TimeoutError()):
            async with harness.open(THREE) as breaker:
                for _ in range(3):
                    await fail(breaker, error)
                assert await state_of(breaker) == "open"
                await harness.advance(31.0)
                await succeed(breaker)
                await succeed(breaker)
                assert await state_of(breaker) == "closed"

    async def test_breaker_05_the_callers_mistakes_are_successes(self, harness: BreakerHarness) -> None:
        """The backend answered: they begin the count anew."""
        async with harness.open(THREE) as breaker:
            for error in (Rejected("bad"), NotFound("absent"), Conflict("first")):
                await fail(breaker)
                await fail(breaker)
                await fail(breaker, error)
            assert await state_of(breaker) == "closed"

    async def test_breaker_06_other_errors_open_nothing(self, harness: BreakerHarness) -> None:
        """A bug in the block says nothing against the backend."""
        async with harness.open(THREE) as breaker:
            for _ in range(10):
                await fail(breaker, ValueError("bug"))
            assert await state_of(breaker) == "closed"

    async def test_breaker_07_exceptions_pass_through_unchanged(self, harness: BreakerHarness) -> None:
        """The very same object, failure or not."""
        async with harness.open(THREE) as breaker:
            for error in (Unavailable("down"), Rejected("bad"), ValueError("bug"), TimeoutError()):
                with pytest.raises(type(error)) as caught:
                    async with breaker.guard():
                        raise error
                assert caught.value is error

    async def test_breaker_08_refuses_until_the_reset_timeout(self, harness: BreakerHarness) -> None:
        """Just before it no call is admitted, at it one is."""
        async with harness.open(THREE) as breaker:
            await trip(breaker)
            await harness.advance(29.0)
            await refused(breaker)
            await harness.advance(1.0)
            assert (await breaker.status()).retry_after == 0.0
            await succeed(breaker)

    async def test_breaker_09_says_how_long_it_refuses(self, harness: BreakerHarness) -> None:
        """In the error and in the status, growing shorter as time passes; nothing when closed."""
        async with harness.open(THREE) as breaker:
            assert (await breaker.status()).retry_after == 0.0
            await trip(breaker)
            assert (await refused(breaker)).retry_after == pytest.approx(30.0, abs=0.5)
            await harness.advance(20.0)
            assert (await refused(breaker)).retry_after == pytest.approx(10.0, abs=0.5)
            assert (await breaker.status()).retry_after == pytest.approx(10.0, abs=0.5)

    async def test_breaker_10_refused_calls_put_nothing_off(self, harness: BreakerHarness) -> None:
        """They are no outcomes: the probe is due when it was due."""
        async with harness.open(THREE) as breaker:
            await trip(breaker)
            for _ in range(29):
                await harness.advance(1.0)
                await refused(breaker)
            await harness.advance(1.5)
            await succeed(breaker)

    @level("faulty")
    async def test_breaker_11_cancellation_counts_as_nothing(self, harness: BreakerHarness) -> None:
        """Not as failure, and not as the success that would begin the count anew."""
        async with harness.open(THREE) as breaker:
            await fail(breaker)
            await fail(breaker)
            for _ in range(5):
                async with admitted(breaker) as (_, task):
                    await cancelled(task)
                    assert task.cancelled()
            assert await state_of(breaker) == "closed"
            await fail(breaker)
            assert await state_of(breaker) == "open"

    @level("concurrent")
    async def test_breaker_12_concurrent_failures_open_it_once(self, harness: BreakerHarness) -> None:
        """Fifty at once are one transition, and the reset timeout runs from it."""
        told: list[Transition] = []
        async with harness.open(THREE) as breaker:
            breaker.on_transition(told.append)
            calls = [Call(breaker) for _ in range(50)]
            crowd = asyncio.gather(*(call.run() for call in calls), return_exceptions=True)
            for call in calls:
                await soon(call.entered.wait())
            for call in calls:
                call.end(Unavailable("down"))
            await soon(crowd)
            assert await state_of(breaker) == "open"
            await harness.advance(0)
        assert [(each.before, each.after) for each in told] == [("closed", "open")]

    async def test_breaker_13_status_tells_state_and_counts(self, harness: BreakerHarness) -> None:
        """Under the breaker's name."""
        async with harness.open(THREE) as breaker:
            name = (await breaker.status()).name
            assert name
            await fail(breaker)
            await fail(breaker)
            assert await breaker.status() == BreakerStatus(name=name, state="closed", failures=2, successes=0)
            await succeed(breaker)
            assert (await breaker.status()).failures == 0
            await trip(breaker)
            await harness.advance(31.0)
            await succeed(breaker)
            status = await breaker.status()
            assert (status.name, status.state, status.successes) == (name, "half-open", 1)

    async def test_breaker_14_tells_each_transition_once_in_order(self, harness: BreakerHarness) -> None:
        """To every listener, with the breaker's name."""
        told: list[Transition] = []
        also: list[Transition] = []
        async with harness.open(THREE) as breaker:
            breaker.on_transition(told.append)
            breaker.on_transition(also.append)
            await trip(breaker)
            await refused(breaker)
            await harness.advance(31.0)
            await fail(breaker)
            await harness.advance(31.0)
            await succeed(breaker)
            await succeed(breaker)
            await succeed(breaker)
            await harness.advance(0)
            name = (await breaker.status()).name
        assert told == [
            Transition(name, "closed", "open"),
            Transition(name, "open", "half-open"),
            Transition(name, "half-open", "open"),
            Transition(name, "open", "half-open"),
            Transition(name, "half-open", "closed"),
        ]
        assert also == told

    async def test_breaker_15_a_raising_listener_harms_nothing(
        self, harness: BreakerHarness, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Neither the call, nor the state, nor other listeners; it is logged."""

        def broken(_: Transition) -> None:
            raise ZeroDivisionError("a listener's bug")

        told: list[Transition] = []
        with caplog.at_level(logging.WARNING):
            async with harness.open(THREE) as breaker:
                breaker.on_transition(broken)
                breaker.on_transition(told.append)
                await trip(breaker)
                await refused(breaker)
                await harness.advance(0)
        assert [(each.before, each.after) for each in told] == [("closed", "open")]
        assert "a listener's bug" in caplog.text

    async def test_breaker_16_says_the_very_instant(self, harness: BreakerHarness, seed: int) -> None:
        """At the moment that the error names a call is admitted, wherever between two microseconds it began."""
        random_ = random.Random(16 + seed)
        async with harness.open(THREE) as breaker:
            for _ in range(30):
                await trip(breaker)
                await harness.advance(random_.randrange(1, 29_000_000) / 1e6)
                await harness.advance((await refused(breaker)).retry_after)
                await succeed(breaker)
                await succeed(breaker)
                assert (await breaker.status()).state == "closed"

    async def test_breaker_17_a_reset_timeout_may_be_short(self, harness: BreakerHarness) -> None:
        """Any that is positive: half a second is one."""
        async with harness.open(Thresholds(failures=1, reset_timeout=0.5, successes=1)) as breaker:
            await trip(breaker, 1)
            assert (await refused(breaker)).retry_after <= 0.5
            await harness.advance(0.5)
            await succeed(breaker)
            assert (await breaker.status()).state == "closed"
