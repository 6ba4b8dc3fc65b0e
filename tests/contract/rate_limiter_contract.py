"""The RateLimiter contract, complete: subclass `RateLimiterContract` and override `harness`."""

from __future__ import annotations

import asyncio
import math
import random
from typing import TYPE_CHECKING

import pytest

from agent_memory.ports.errors import Rejected, Unavailable
from agent_memory.ports.rate_limiter import Decision, RateLimiter, Window

from .forgetting import LimiterForgetting
from .limiter_explored import LimiterExplored
from .suite import level, needs, soon

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .harness import Harness

FIVE = Window("agent:ada", 5, 10.0)
BURST = Window("burst:ada", 2, 1.0)
GLOBAL = Window("global", 6, 60.0)
ONE = Window("one", 1, 1.0)
STEPS = (0.0, 0.0, 0.125, 0.25, 0.5, 1.0, 2.5)
"""Eighths of a second, so that an oracle that adds them up is exact."""
INSTANTS = 300
"""An adapter that reckons in floating seconds is late at one in fifty."""


async def hits(limiter: RateLimiter, count: int, *windows: Window) -> list[bool]:
    return [(await limiter.hit(windows)).allowed for _ in range(count)]


def used(admitted: list[tuple[float, int]], since: float, *, edge: bool) -> int:
    return sum(cost for at, cost in admitted if at > since or (edge and at == since))


class RateLimiterContract(LimiterExplored, LimiterForgetting):
    """LIMITER-01 to LIMITER-25 are here, LIMITER-31 to LIMITER-33 in `limiter_explored`,
    LIMITER-61 in `forgetting`."""

    async def test_limiter_01_admits_up_to_the_limit(self, harness: Harness[RateLimiter]) -> None:
        """That many at once, and the next is refused."""
        async with harness.open() as limiter:
            assert await hits(limiter, 7, FIVE) == [True] * 5 + [False] * 2

    @level("concurrent")
    async def test_limiter_02_concurrent_calls_get_exactly_the_limit(
        self, harness: Harness[RateLimiter]
    ) -> None:
        """Two hundred at once, through two windows of which one is tighter."""
        windows = (Window("tight", 50, 60.0), Window("wide", 100, 60.0))
        async with harness.open() as limiter:
            decisions = await soon(asyncio.gather(*(limiter.hit(windows) for _ in range(200))))
            assert sum(each.allowed for each in decisions) == 50
            assert (await limiter.peek(windows[1:])).remaining == 49

    async def test_limiter_03_a_refused_call_consumes_nothing_anywhere(
        self, harness: Harness[RateLimiter]
    ) -> None:
        """Neither in the windows that had room, whatever their order, nor in the one that refused."""
        for windows in ((BURST, GLOBAL), (GLOBAL, BURST)):
            async with harness.open() as limiter:
                assert await hits(limiter, 10, *windows) == [True] * 2 + [False] * 8
                assert (await limiter.peek([GLOBAL])).remaining == 3
                await harness.advance(1.5)
                assert await hits(limiter, 3, BURST) == [True, True, False]
                await harness.advance(120.0)

    async def test_limiter_04_no_period_holds_more_than_the_limit(
        self, harness: Harness[RateLimiter], seed: int
    ) -> None:
        """Any period, wherever it begins: a random schedule against an oracle that counts them all."""
        async for window, now, cost, decision, admitted in schedule(harness, seed):
            if decision.allowed:
                assert used(admitted, now - window.period, edge=False) + cost <= window.limit

    async def test_limiter_05_room_is_given(self, harness: Harness[RateLimiter], seed: int) -> None:
        """By the same oracle: a call is refused only if a window has no room for it."""
        async for window, now, cost, decision, admitted in schedule(harness, seed):
            if not decision.allowed and decision.refused_by == window.key:
                assert used(admitted, now - window.period, edge=True) + cost > window.limit

    async def test_limiter_06_retry_after_is_exact(self, harness: Harness[RateLimiter]) -> None:
        """Just before it the same call is refused, at it it is allowed."""
        async with harness.open() as limiter:
            await hits(limiter, 2, FIVE)
            await harness.advance(4.0)
            await hits(limiter, 3, FIVE)
            await harness.advance(2.0)
            decision = await limiter.hit([FIVE])
            assert not decision.allowed
            assert decision.retry_after == pytest.approx(4.0, abs=0.1)
            await harness.advance(decision.retry_after - 0.5)
            assert not (await limiter.peek([FIVE])).allowed
            await harness.advance(0.5)
            decision = await limiter.hit([FIVE])
            assert decision.allowed
            assert decision.remaining == 1

    async def test_limiter_07_retry_after_waits_for_the_whole_cost(
        self, harness: Harness[RateLimiter]
    ) -> None:
        """A dear call waits until enough has run out, not until something has."""
        async with harness.open() as limiter:
            for _ in range(5):
                await limiter.hit([FIVE])
                await harness.advance(1.0)
            decision = await limiter.hit([FIVE], cost=3)
            assert decision.retry_after == pytest.approx(7.0, abs=0.1)
            await harness.advance(decision.retry_after - 0.5)
            assert not (await limiter.peek([FIVE], cost=3)).allowed
            await harness.advance(0.5)
            assert (await limiter.hit([FIVE], cost=3)).allowed

    async def test_limiter_08_retry_after_is_the_longest_wait(self, harness: Harness[RateLimiter]) -> None:
        """Where several windows refuse; `refused_by` names the one that takes longest, in whatever order."""
        short, long = Window("short", 1, 1.0), Window("long", 1, 30.0)
        async with harness.open() as limiter:
            await limiter.hit([short, long])
            for windows in ((short, long), (long, short)):
                decision = await limiter.hit(windows)
                assert not decision.allowed
                assert decision.refused_by == "long"
                assert decision.retry_after == pytest.approx(30.0, abs=0.1)

    async def test_limiter_09_names_only_windows_that_refuse(self, harness: Harness[RateLimiter]) -> None:
        """A window with room asks for no wait, however long its period."""
        async with harness.open() as limiter:
            await hits(limiter, 2, BURST, GLOBAL)
            decision = await limiter.hit([GLOBAL, BURST])
            assert decision.refused_by == BURST.key
            assert decision.retry_after == pytest.approx(1.0, abs=0.1)

    async def test_limiter_10_an_allowed_call_need_not_wait(self, harness: Harness[RateLimiter]) -> None:
        """No wait and no refusing window, also when it was the last."""
        async with harness.open() as limiter:
            for _ in range(5):
                decision = await limiter.hit([FIVE])
                assert (decision.allowed, decision.retry_after, decision.refused_by) == (True, 0.0, "")

    async def test_limiter_11_remaining_counts_down(self, harness: Harness[RateLimiter]) -> None:
        """After each call, down to none; a whole period later it is full again."""
        async with harness.open() as limiter:
            assert [(await limiter.hit([FIVE])).remaining for _ in range(6)] == [4, 3, 2, 1, 0, 0]
            await harness.advance(10.5)
            assert (await limiter.hit([FIVE])).remaining == 4

    async def test_limiter_12_remaining_is_the_least(self, harness: Harness[RateLimiter]) -> None:
        """Of all windows of the call, in whatever order."""
        async with harness.open() as limiter:
            assert (await limiter.hit([BURST, GLOBAL])).remaining == 1
            assert (await limiter.hit([GLOBAL, BURST])).remaining == 0

    async def test_limiter_13_peek_consumes_nothing(self, harness: Harness[RateLimiter]) -> None:
        """However often."""
        async with harness.open() as limiter:
            for _ in range(20):
                assert (await limiter.peek([FIVE])).allowed
            assert await hits(limiter, 6, FIVE) == [True] * 5 + [False]

    async def test_limiter_14_peek_answers_as_hit_would(self, harness: Harness[RateLimiter]) -> None:
        """The same decision, allowed or refused."""
        async with harness.open() as limiter:
            for _ in range(4):
                foretold = await limiter.peek([BURST, FIVE])
                decision = await limiter.hit([BURST, FIVE])
                assert foretold.retry_after == pytest.approx(decision.retry_after, abs=0.1)
                assert (foretold.allowed, foretold.remaining, foretold.refused_by) == (
                    decision.allowed,
                    decision.remaining,
                    decision.refused_by,
                )

    async def test_limiter_15_cost_counts_in_full_or_not_at_all(self, harness: Harness[RateLimiter]) -> None:
        """A dear call is refused where a cheap one still fits."""
        async with harness.open() as limiter:
            assert (await limiter.hit([FIVE], cost=3)).remaining == 2
            assert not (await limiter.hit([FIVE], cost=3)).allowed
            assert (await limiter.hit([FIVE], cost=2)).remaining == 0

    async def test_limiter_16_keys_are_apart(self, harness: Harness[RateLimiter]) -> None:
        """What one key used takes nothing from another, however alike."""
        keys = ("a", "A", "a ", "a:b", "a*", "agent:é", "agent:e\u0301", "k" * 512)
        async with harness.open() as limiter:
            for key in keys:
                assert await hits(limiter, 3, Window(key, 2, 10.0)) == [True, True, False]

    async def test_limiter_17_windows_of_one_key_each_hold(self, harness: Harness[RateLimiter]) -> None:
        """A short and a long one on the same key: each counts every call once."""
        short, long = Window("agent:ada", 2, 1.0), Window("agent:ada", 5, 60.0)
        async with harness.open() as limiter:
            assert await hits(limiter, 3, short, long) == [True, True, False]
            await harness.advance(1.5)
            assert await hits(limiter, 3, short, long) == [True, True, False]
            await harness.advance(1.5)
            assert await hits(limiter, 2, short, long) == [True, False]

    async def test_limiter_18_no_windows_no_limit(self, harness: Harness[RateLimiter]) -> None:
        """Nothing to exceed."""
        async with harness.open() as limiter:
            assert all(await hits(limiter, 100))

    async def test_limiter_19_rejects_what_makes_no_sense(self, harness: Harness[RateLimiter]) -> None:
        """Limit, period or cost not positive, cost above a limit: in hit and peek, though another window is full.
        It says which.
        """
        bad = [("limit", Window("bad", limit, 10.0)) for limit in (0, -1)]
        bad += [("period", Window("bad", 5, period)) for period in (0.0, -1.0, math.nan)]
        async with harness.open() as limiter:
            await hits(limiter, 5, FIVE)
            for call in (limiter.hit, limiter.peek):
                for field, window in bad:
                    with pytest.raises(Rejected) as caught:
                        await call([FIVE, window])
                    assert caught.value.field == field
                for cost in (0, -1, 6):
                    with pytest.raises(Rejected) as caught:
                        await call([FIVE], cost=cost)
                    assert caught.value.field == "cost"

    async def test_limiter_20_a_rejected_call_consumes_nothing(self, harness: Harness[RateLimiter]) -> None:
        """Also where a window before the bad one had room."""
        async with harness.open() as limiter:
            for _ in range(10):
                with pytest.raises(Rejected):
                    await limiter.hit([FIVE, Window("bad", 0, 10.0)])
                with pytest.raises(Rejected):
                    await limiter.hit([FIVE, Window("bad", 1, 10.0)], cost=2)
            assert (await limiter.peek([FIVE])).remaining == 4

    async def test_limiter_21_refused_calls_put_nothing_off(self, harness: Harness[RateLimiter]) -> None:
        """Who keeps calling while refused is allowed at the same moment as who waits."""
        async with harness.open() as limiter:
            await hits(limiter, 5, FIVE)
            for _ in range(9):
                await harness.advance(1.0)
                assert not (await limiter.hit([FIVE])).allowed
            await harness.advance(1.5)
            assert await hits(limiter, 5, FIVE) == [True] * 5

    @level("concurrent")
    async def test_limiter_22_a_second_client_shares_the_count(self, harness: Harness[RateLimiter]) -> None:
        """Together they get the limit, also at once."""
        needs(harness, "second_client")
        window = Window("shared", 50, 60.0)
        async with harness.open() as one, harness.second_client() as two:
            await hits(one, 10, window)
            assert (await two.peek([window])).remaining == 39
            decisions = await soon(asyncio.gather(*((one, two)[n % 2].hit([window]) for n in range(100))))
        assert sum(each.allowed for each in decisions) == 40

    @level("faulty")
    async def test_limiter_23_says_when_it_cannot_tell(self, harness: Harness[RateLimiter]) -> None:
        """Cut off from the backend it neither admits nor refuses: the caller applies its failure mode."""
        needs(harness, "sever")
        async with harness.open() as limiter:
            await hits(limiter, 2, FIVE)
            await harness.sever()
            with pytest.raises(Unavailable):
                await soon(limiter.hit([FIVE]))
            with pytest.raises(Unavailable):
                await soon(limiter.peek([FIVE]))
            await harness.heal()
            assert (await limiter.hit([FIVE])).remaining == 2

    async def test_limiter_24_retry_after_is_exact_at_any_instant(
        self, harness: Harness[RateLimiter], seed: int
    ) -> None:
        """To the microsecond: at the moment that it names the call is allowed."""
        random_ = random.Random(24 + seed)
        async with harness.open() as limiter:
            for _ in range(INSTANTS):
                await limiter.hit([ONE])
                await harness.advance(random_.randrange(1, 900_000) / 1e6)
                decision = await limiter.hit([ONE])
                assert not decision.allowed
                await harness.advance(decision.retry_after)
                then = await limiter.peek([ONE])
                assert then.allowed, (
                    f"told to wait {decision.retry_after!r} s, and then {then.retry_after!r} s more"
                )

    async def test_limiter_25_two_limits_of_one_period_count_once(
        self, harness: Harness[RateLimiter]
    ) -> None:
        """The same key and period under two limits: one call is one call, and the stricter limit is not halved."""
        strict, loose = Window("agent:ada", 4, 10.0), Window("agent:ada", 8, 10.0)
        async with harness.open() as limiter:
            assert await hits(limiter, 5, strict, loose) == [True] * 4 + [False]
            assert await hits(limiter, 5, loose) == [True] * 4 + [False]


async def schedule(
    harness: Harness[RateLimiter], seed: int
) -> AsyncIterator[tuple[Window, float, int, Decision, list[tuple[float, int]]]]:
    """Random calls on two windows at random moments.

    For each and each window: the moment, the cost, what was decided, and what had been admitted before.
    """
    random_ = random.Random(4 + seed)
    windows = (Window("seldom", 7, 5.0), Window("often", 3, 1.0))
    admitted: list[tuple[float, int]] = []
    now = 0.0
    async with harness.open() as limiter:
        for _ in range(400):
            step = random_.choice(STEPS)
            await harness.advance(step)
            now += step
            cost = random_.choice((1, 1, 1, 2, 3))
            decision = await limiter.hit(windows, cost=cost)
            for window in windows:
                yield window, now, cost, decision, admitted
            if decision.allowed:
                admitted.append((now, cost))
    assert 50 < len(admitted) < 350
