"""RateLimiter, second part: after any schedule every decision is the one that a plain log of hits gives."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import strategies as st

from agent_memory.ports.errors import Unavailable
from agent_memory.ports.rate_limiter import Decision, RateLimiter, Window

from .exploring import explore, schedule
from .suite import Suite, cancelled, level, needs, soon, turns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .harness import Harness

WINDOWS = (Window("a", 3, 2.5), Window("a", 7, 10.5), Window("b", 2, 4.5), Window("b c", 5, 10.5))
"""Time moves by whole seconds: no hit is ever met at the moment at which it stops counting."""
CLOSE = 0.25
"""Seconds by which two statements of the same wait may differ."""


class Ask(msgspec.Struct, frozen=True):
    client: int
    windows: tuple[Window, ...]
    cost: int
    peeks: bool


class Crowd(msgspec.Struct, frozen=True):
    """Calls at once, over the clients in turn; some are cancelled after so many turns of the event loop."""

    windows: tuple[Window, ...]
    calls: int
    cancelled: int
    turns: int


class Pass(msgspec.Struct, frozen=True):
    seconds: int


class Cut(msgspec.Struct, frozen=True):
    """Calls while the backend is away."""

    windows: tuple[Window, ...]
    calls: int


Step = Ask | Crowd | Pass | Cut

_WINDOWS = st.lists(st.sampled_from(WINDOWS), min_size=1, max_size=3, unique=True).map(tuple)
_ASK: st.SearchStrategy[Step] = st.builds(
    Ask, st.integers(0, 1), _WINDOWS, st.sampled_from((1, 1, 1, 2)), st.sampled_from((False, False, True))
)
_PASS: st.SearchStrategy[Step] = st.builds(Pass, st.integers(1, 4))
_CROWD: st.SearchStrategy[Step] = st.builds(
    Crowd, _WINDOWS, st.integers(2, 6), st.integers(0, 2), st.integers(0, 6)
)
_CUT: st.SearchStrategy[Step] = st.builds(Cut, _WINDOWS, st.integers(1, 2))


class Log:
    """Every hit of a key: when, what it cost, and whether it is known to count."""

    def __init__(self) -> None:
        self.hits: list[tuple[str, float, float, int, bool]] = []
        self.now = 0.0

    def add(self, windows: Sequence[Window], cost: int, *, sure: bool = True) -> None:
        for key, period in {(window.key, window.period) for window in windows}:
            self.hits.append((key, period, self.now, cost, sure))

    def used(self, window: Window, *, at_most: bool, now: float | None = None) -> int:
        since = (self.now if now is None else now) - window.period
        return sum(
            cost
            for key, period, at, cost, sure in self.hits
            if (key, period) == (window.key, window.period) and at > since and (sure or at_most)
        )

    def wait(self, window: Window, cost: int) -> float:
        """How long until it fits, if all that may count does."""
        if self.used(window, at_most=True) + cost <= window.limit:
            return 0.0
        ends = sorted(
            at + window.period
            for key, period, at, *_ in self.hits
            if (key, period) == (window.key, window.period)
        )
        return next(
            end - self.now
            for end in ends
            if end > self.now and self.used(window, at_most=True, now=end) + cost <= window.limit
        )

    @property
    def exact(self) -> bool:
        return all(sure for *_, sure in self.hits)


class Play:
    def __init__(self, harness: Harness[RateLimiter], clients: Sequence[RateLimiter], number: int) -> None:
        self._harness = harness
        self._clients = clients
        self._number = number
        self._log = Log()

    async def run(self, steps: Sequence[Step]) -> None:
        for step in steps:
            match step:
                case Ask():
                    await self._ask(step)
                case Crowd():
                    await self._crowd(step)
                case Cut():
                    await self._cut(step)
                case Pass(seconds):
                    self._log.now += seconds
                    await self._harness.advance(seconds)

    def _own(self, windows: tuple[Window, ...]) -> tuple[Window, ...]:
        return tuple(msgspec.structs.replace(each, key=f"{each.key} {self._number}") for each in windows)

    async def _ask(self, step: Ask) -> None:
        windows = self._own(step.windows)
        limiter = self._clients[step.client % len(self._clients)]
        decision = await soon((limiter.peek if step.peeks else limiter.hit)(windows, cost=step.cost))
        self._check(windows, step.cost, decision)
        if decision.allowed and not step.peeks:
            self._log.add(windows, step.cost)

    def _check(self, windows: tuple[Window, ...], cost: int, decision: Decision) -> None:
        log = self._log
        fits = all(log.used(each, at_most=True) + cost <= each.limit for each in windows)
        may_fit = all(log.used(each, at_most=False) + cost <= each.limit for each in windows)
        assert fits <= decision.allowed <= may_fit, (
            f"{decision} where it {'fits' if fits else 'does not fit'}"
        )
        if not log.exact:
            return
        left = min(each.limit - log.used(each, at_most=True) for each in windows)
        assert decision.remaining == max(0, left - cost * decision.allowed)
        waits = {each.key: log.wait(each, cost) for each in windows}
        longest = max(log.wait(each, cost) for each in windows)
        assert decision.retry_after == pytest.approx(longest, abs=CLOSE)
        if not decision.allowed:
            assert decision.refused_by in waits
            assert max(log.wait(each, cost) for each in windows if each.key == decision.refused_by) == longest

    async def _crowd(self, step: Crowd) -> None:
        """Together they get what there is room for; a call that was cancelled counts or not."""
        windows = self._own(step.windows)
        room = min(each.limit - self._log.used(each, at_most=True) for each in windows)
        most = min(each.limit - self._log.used(each, at_most=False) for each in windows)
        calls = [
            asyncio.create_task(self._clients[n % len(self._clients)].hit(windows)) for n in range(step.calls)
        ]
        await turns(step.turns)
        given_up = calls[: step.cancelled]
        ended = [await cancelled(call) for call in given_up]
        ended += await soon(asyncio.gather(*calls[step.cancelled :]))
        admitted = sum(decision is not None and decision.allowed for decision in ended)
        in_doubt = sum(decision is None for decision in ended)
        assert admitted <= most, f"{admitted} admitted where {most} fit"
        assert admitted + in_doubt >= min(room, step.calls), f"{admitted} admitted where {room} fit"
        for n in range(admitted + in_doubt):
            self._log.add(windows, 1, sure=n < admitted)

    async def _cut(self, step: Cut) -> None:
        windows = self._own(step.windows)
        await self._harness.sever()
        try:
            for _ in range(step.calls):
                with pytest.raises(Unavailable):
                    await soon(self._clients[0].hit(windows))
                self._log.add(windows, 1, sure=False)
        finally:
            await self._harness.heal()


async def connected(harness: Harness[RateLimiter], stack: AsyncExitStack) -> list[RateLimiter]:
    clients = [await stack.enter_async_context(harness.open())]
    if harness.capabilities.second_client:
        clients.append(await stack.enter_async_context(harness.second_client()))
    return clients


class LimiterExplored(Suite):
    @pytest.fixture
    def harness(self) -> Harness[RateLimiter]:
        raise NotImplementedError("override `harness` with one of your adapter")

    async def _wander(
        self, harness: Harness[RateLimiter], seed: int, *kinds: st.SearchStrategy[Step]
    ) -> None:
        async with AsyncExitStack() as stack:
            clients = await connected(harness, stack)
            await explore(
                schedule(*kinds), seed, lambda number, steps: Play(harness, clients, number).run(steps)
            )

    @level("plain")
    async def test_limiter_31_any_schedule_is_decided_as_by_a_log(
        self, harness: Harness[RateLimiter], seed: int
    ) -> None:
        """Admitted or not, what remains, how long to wait and for what, in any mixture of windows and clients."""
        await self._wander(harness, seed, _ASK, _ASK, _ASK, _PASS)

    @level("concurrent")
    async def test_limiter_32_crowds_get_what_there_is(
        self, harness: Harness[RateLimiter], seed: int
    ) -> None:
        """No more and no less, also where some were cancelled."""
        await self._wander(harness, seed, _ASK, _CROWD, _CROWD, _PASS)

    @level("faulty")
    async def test_limiter_33_calls_that_failed_count_once_at_most(
        self, harness: Harness[RateLimiter], seed: int
    ) -> None:
        """After the backend was away no window is fuller than by them, nor emptier than without them."""
        needs(harness, "sever")
        await self._wander(harness, seed, _ASK, _ASK, _CUT, _PASS)
