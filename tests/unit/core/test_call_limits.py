"""Rate limits as a call meets them, with time in the test's hands."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.inprocess.rate_limiter import InProcessRateLimiter
from agent_memory.adapters.inprocess.sliding_log import SlidingLogs
from agent_memory.core.call_limits import CallLimits, FailMode, Limit, Limits
from agent_memory.core.caller import Caller
from agent_memory.ports.errors import CircuitOpen, PortError, RateLimited, Unavailable
from agent_memory_contract.manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_memory.ports.rate_limiter import Decision, Window

DOCUMENTED = Limits(burst=Limit(50, 1.0), agent=Limit(500, 60.0), total=Limit(5000, 60.0))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class RemoteLimiter(InProcessRateLimiter):
    """One that can be away, and knows the keys that it was asked for."""

    def __init__(self, *, clock: ManualClock) -> None:
        super().__init__(clock=clock)
        self.away: PortError | None = None
        self.keys: set[str] = set()

    async def hit(self, windows: Sequence[Window], *, cost: int = 1) -> Decision:
        self.keys |= {window.key for window in windows}
        if self.away is not None:
            raise self.away
        return await super().hit(windows, cost=cost)


class Bench:
    def __init__(self, limits: Limits = DOCUMENTED, fail_mode: FailMode = "local") -> None:
        self.clock = ManualClock()
        self.shared = RemoteLimiter(clock=self.clock)
        self.changes: list[bool] = []
        self.calls = CallLimits(
            self.shared,
            limits,
            local=InProcessRateLimiter(clock=self.clock),
            fail_mode=fail_mode,
            on_change=self.changes.append,
        )

    async def admitted(self, agent: str = "ada", *, ceiling: str = "global", pinned: str = "") -> bool:
        try:
            await self.calls.admit(Caller(client="ide", agent=pinned, ceiling=ceiling), agent)
        except (RateLimited, Unavailable):
            return False
        return True

    async def refusal(self, agent: str | None = "ada") -> RateLimited:
        with pytest.raises(RateLimited) as refused:
            await self.calls.admit(Caller(client="ide"), agent)
        return refused.value


def few(*, burst: int = 100, agent: int = 100, total: int = 100) -> Limits:
    return Limits(burst=Limit(burst, 1.0), agent=Limit(agent, 60.0), total=Limit(total, 60.0))


async def test_at_the_documented_settings_ordinary_use_is_never_refused() -> None:
    """Sixteen agents for ten minutes, each with a burst of forty at once a minute, and four a second."""
    bench = Bench()
    for second in range(600):
        for agent in range(16):
            calls = 40 if second % 60 == agent else 4
            done = await asyncio.gather(*(bench.admitted(f"agent {agent}") for _ in range(calls)))
            assert all(done), (second, agent)
        await bench.clock.advance(1.0)
    assert bench.calls.refused == 0


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (few(burst=3), "burst limit: agent 'ada' has used up 3 calls in 1 s"),
        (few(agent=3), "per-agent limit: agent 'ada' has used up 3 calls in 60 s"),
        (few(total=3), "global limit: all agents together have used up 3 calls in 60 s"),
    ],
)
async def test_a_refusal_names_the_limit_and_when_to_try_again(limits: Limits, said: str) -> None:
    bench = Bench(limits)
    assert [await bench.admitted() for _ in range(3)] == [True] * 3
    refused = await bench.refusal()
    assert str(refused).startswith(said)
    assert f"retry_after {refused.retry_after:.3f} s" in str(refused)
    await bench.clock.advance(refused.retry_after)
    assert await bench.admitted()


async def test_a_refused_call_counts_nowhere() -> None:
    bench = Bench(few(burst=2, agent=3))
    assert [await bench.admitted() for _ in range(20)].count(True) == 2
    await bench.clock.advance(1.0)
    assert await bench.admitted()  # the third of its minute: the eighteen refused were none


async def test_agents_have_limits_of_their_own_and_share_one() -> None:
    bench = Bench(few(agent=2, total=5))
    for agent in ("ada", "bob"):
        assert [await bench.admitted(agent) for _ in range(3)] == [True, True, False]
    assert [await bench.admitted("eve") for _ in range(2)] == [True, False]
    assert str(await bench.refusal("eve")).startswith("global limit")


async def test_who_claims_many_names_is_held_by_the_global_limit_and_leaves_no_trace_of_the_refused() -> None:
    logs = SlidingLogs()
    clock = ManualClock()
    limiter = InProcessRateLimiter(clock=clock, logs=logs)
    calls = CallLimits(limiter, few(burst=5, agent=10, total=30), local=limiter)
    admitted = 0
    for number in range(2_000):
        try:
            await calls.admit(Caller(client=f"client {number % 7}"), f"name {number}")
        except RateLimited:
            continue
        admitted += 1
    assert admitted == 30
    assert len(logs) <= 2 * admitted + 1


async def test_the_same_name_under_another_ceiling_is_another_agent() -> None:
    bench = Bench(few(agent=1))
    assert await bench.admitted("ada", ceiling="acme")
    assert await bench.admitted("ada", ceiling="acme/shop")
    assert await bench.admitted("ada")
    assert not await bench.admitted("ada", ceiling="acme")


async def test_a_configured_agent_cannot_slip_out_by_another_name() -> None:
    bench = Bench(few(agent=1))
    assert await bench.admitted("one", pinned="ada")
    assert not await bench.admitted("another", pinned="ada")


async def test_who_gives_no_name_is_counted_by_client() -> None:
    bench = Bench(few(agent=1))
    assert await bench.admitted("")
    assert str(await bench.refusal(None)).startswith("per-agent limit: client 'ide' has")
    assert await bench.admitted("ide")


async def test_who_gives_no_name_shares_no_limit_with_another_server_but_the_global_one() -> None:
    clock = ManualClock()
    shared = InProcessRateLimiter(clock=clock)
    one, other = (
        CallLimits(shared, few(agent=1, total=2), local=shared, instance=name) for name in ("i1", "i2")
    )
    caller = Caller(client="ide")
    await one.admit(caller, None)
    with pytest.raises(RateLimited, match="per-agent limit"):
        await one.admit(caller, None)
    await other.admit(caller, None)
    with pytest.raises(RateLimited, match="global limit"):
        await other.admit(Caller(client="ide", agent="ada"), None)


@pytest.mark.parametrize("name", ["\ud800", "x" * 100_000, "\0", " ada "])
async def test_no_name_is_too_odd_to_count(name: str) -> None:
    bench = Bench(few(agent=1))
    assert await bench.admitted(name)
    assert not await bench.admitted(name)
    assert all(len(key) < 150 and key.encode() for key in bench.shared.keys)


@pytest.mark.parametrize("error", [Unavailable("away"), CircuitOpen("open", 3.0)])
async def test_local_counts_here_while_the_shared_limiter_is_away(error: PortError) -> None:
    bench = Bench(few(agent=2), "local")
    assert await bench.admitted()
    bench.shared.away = error
    assert [await bench.admitted() for _ in range(3)] == [True, True, False]
    assert not bench.calls.answers
    bench.shared.away = None
    assert [await bench.admitted() for _ in range(2)] == [True, False]
    assert bench.calls.answers
    assert bench.changes == [False, True]


async def test_closed_refuses_and_says_why_while_the_shared_limiter_is_away() -> None:
    bench = Bench(fail_mode="closed")
    bench.shared.away = Unavailable("away")
    with pytest.raises(Unavailable, match="RATE_LIMIT_FAIL_MODE=closed"):
        await bench.calls.admit(Caller(), "ada")
    bench.shared.away = None
    assert await bench.admitted()


async def test_open_admits_everything_while_the_shared_limiter_is_away() -> None:
    bench = Bench(few(agent=1), "open")
    bench.shared.away = Unavailable("away")
    assert all([await bench.admitted() for _ in range(10)])
    bench.shared.away = None
    assert [await bench.admitted() for _ in range(2)] == [True, False]


async def test_a_secret_for_a_name_is_in_no_key_and_two_of_them_are_two_agents() -> None:
    bench = Bench(few(agent=2))
    tokens = ["gh" + "p_" + "Ab3dEf6hIj9l" * 3, "gh" + "p_" + "Zb3dEf6hIj9k" * 3]
    assert [await bench.admitted(token) for token in tokens * 2] == [True] * 4
    assert [await bench.admitted(token) for token in tokens] == [False] * 2
    assert not any(token in key for token in tokens for key in bench.shared.keys)
