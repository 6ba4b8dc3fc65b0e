"""Lock, second part: waiting, waking, cancelling, and sharing between clients."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent_memory.ports.errors import LockTimeout, Unavailable

from .lock_leases import LONG, NAME, LockLeases, held, refused
from .suite import TURNS, cancelled, level, needs, running, settle, soon, turns, until_done

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agent_memory.ports.lock import Lease, Lock

    from .harness import Harness

PROMPT = 2.0
"""Seconds within which a waiter must have noticed; far below every ttl and wait of these clauses."""

CROWDED = 100.0
"""Seconds within which a whole crowd has had its turn, each for a moment."""


def pace(lock: Lock) -> Callable[[], Awaitable[object]]:
    return lambda: lock.inspect("elsewhere")


async def contend(lock: Lock, owner: str, history: list[tuple[str, int]]) -> None:
    lease = await lock.acquire(NAME, owner=owner, ttl=LONG, wait=LONG)
    history.append(("enter", lease.token))
    await turns(3)
    history.append(("leave", lease.token))
    await lock.release(lease)


async def all_of(*work: Awaitable[None]) -> None:
    await asyncio.gather(*work)


def assert_never_two(history: list[tuple[str, int]], contenders: int) -> None:
    """Every entry was followed by its own leaving, and tokens grew."""
    tokens = [token for what, token in history if what == "enter"]
    assert history == [step for token in tokens for step in (("enter", token), ("leave", token))]
    assert tokens == sorted(set(tokens))
    assert len(tokens) == contenders


class LockWaits(LockLeases):
    @level("concurrent")
    async def test_lock_31_fifty_contenders_never_meet(self, harness: Harness[Lock]) -> None:
        """The recorded history shows one holder at a time, growing tokens, and everyone served."""
        history: list[tuple[str, int]] = []
        async with harness.open() as lock:
            crowd = all_of(*(contend(lock, f"agent-{n}", history) for n in range(50)))
            async with running(crowd) as task:
                await until_done(task, harness, pace(lock), within=CROWDED)
        assert_never_two(history, 50)

    @level("concurrent")
    async def test_lock_32_without_wait_tries_once(self, harness: Harness[Lock]) -> None:
        """The refusal comes though the clock stands still."""
        async with harness.open() as lock:
            await lock.acquire(NAME, owner="ada", ttl=LONG)
            async with running(lock.acquire(NAME, owner="bob", ttl=LONG, wait=0.0)) as waiter:
                with pytest.raises(LockTimeout):
                    await soon(waiter)

    @level("concurrent")
    async def test_lock_33_a_timeout_carries_the_holder(self, harness: Harness[Lock]) -> None:
        """Tried once or after a wait, the loser learns who has it."""
        async with harness.open() as lock:
            lease = await lock.acquire(NAME, owner="ada", ttl=LONG)
            assert (await refused(lock)).holder == held(lease)
            async with running(lock.acquire(NAME, owner="bob", ttl=LONG, wait=3.0)) as waiter:
                with pytest.raises(LockTimeout) as caught:
                    await until_done(waiter, harness, pace(lock), within=3.0 + PROMPT)
            assert caught.value.holder == held(lease)

    @level("concurrent")
    async def test_lock_34_gives_up_after_its_wait_not_before(self, harness: Harness[Lock]) -> None:
        """By the clock, to within a second."""
        async with harness.open() as lock:
            await lock.acquire(NAME, owner="ada", ttl=LONG)
            async with running(lock.acquire(NAME, owner="bob", ttl=LONG, wait=20.0)) as waiter:
                await settle(harness, pace(lock))
                await harness.advance(19.0)
                await settle(harness, pace(lock))
                assert not waiter.done(), "gave up early"
                with pytest.raises(LockTimeout):
                    await until_done(waiter, harness, pace(lock), within=PROMPT)

    @level("concurrent")
    async def test_lock_35_release_wakes_a_waiter(self, harness: Harness[Lock]) -> None:
        """Long before the lease would have expired."""
        async with harness.open() as lock:
            lease = await lock.acquire(NAME, owner="ada", ttl=LONG)
            async with running(lock.acquire(NAME, owner="bob", ttl=LONG, wait=LONG)) as waiter:
                await settle(harness, pace(lock))
                await lock.release(lease)
                taken = await until_done(waiter, harness, pace(lock), within=PROMPT)
            assert taken.token > lease.token

    @level("concurrent")
    async def test_lock_36_expiry_wakes_a_waiter(self, harness: Harness[Lock]) -> None:
        """Though nobody calls: not before the lease ran out, and soon after."""
        async with harness.open() as lock:
            await lock.acquire(NAME, owner="ada", ttl=10.0)
            async with running(lock.acquire(NAME, owner="bob", ttl=LONG, wait=LONG)) as waiter:
                await settle(harness, pace(lock))
                await harness.advance(9.0)
                await settle(harness, pace(lock))
                assert not waiter.done(), "granted while another held it"
                taken = await until_done(waiter, harness, pace(lock), within=1.0 + PROMPT)
            assert taken.owner == "bob"

    @level("concurrent")
    async def test_lock_37_force_wakes_a_waiter(self, harness: Harness[Lock]) -> None:
        """As a release does."""
        async with harness.open() as lock:
            await lock.acquire(NAME, owner="ada", ttl=LONG)
            async with running(lock.acquire(NAME, owner="bob", ttl=LONG, wait=LONG)) as waiter:
                await settle(harness, pace(lock))
                await lock.force_release(NAME, by="admin", reason="stuck")
                taken = await until_done(waiter, harness, pace(lock), within=PROMPT)
            assert taken.owner == "bob"

    @level("concurrent")
    async def test_lock_38_a_renewed_lease_keeps_waiters_out(self, harness: Harness[Lock]) -> None:
        """A waiter that planned to wake at the first expiry looks again."""
        async with harness.open() as lock:
            lease = await lock.acquire(NAME, owner="ada", ttl=10.0)
            async with running(lock.acquire(NAME, owner="bob", ttl=LONG, wait=LONG)) as waiter:
                await settle(harness, pace(lock))
                await lock.renew(lease, ttl=50.0)
                await harness.advance(20.0)
                await settle(harness, pace(lock))
                assert not waiter.done(), "granted while another held it"
                await harness.advance(29.0)
                await until_done(waiter, harness, pace(lock), within=1.0 + PROMPT)

    @level("concurrent")
    async def test_lock_39_waiters_are_served_one_after_another(self, harness: Harness[Lock]) -> None:
        """Each as the one before it expires, none forgotten, none early."""
        async with harness.open() as lock:
            await lock.acquire(NAME, owner="first", ttl=10.0)
            waiting: set[asyncio.Task[Lease]] = {
                asyncio.create_task(lock.acquire(NAME, owner=f"agent-{n}", ttl=10.0, wait=LONG))
                for n in range(3)
            }
            try:
                for served in range(3):
                    await settle(harness, pace(lock))
                    assert sum(task.done() for task in waiting) == served
                    await harness.advance(8.0)
                    await settle(harness, pace(lock))
                    assert sum(task.done() for task in waiting) == served
                    await harness.advance(2.1)
                    for _ in range(20):
                        await settle(harness, pace(lock))
                        await harness.advance(0.02)
                assert all(task.done() for task in waiting)
            finally:
                for task in waiting:
                    task.cancel()
                await asyncio.wait(waiting)

    @level("faulty")
    async def test_lock_40_a_cancelled_waiter_leaves_no_trace(self, harness: Harness[Lock]) -> None:
        """Cancelled at any moment of a release, it holds nothing afterwards and the next one gets the name."""
        async with harness.open() as lock:
            for moment in TURNS:
                name = f"{NAME}:{moment}"
                lease = await lock.acquire(name, owner="ada", ttl=LONG)
                async with running(lock.acquire(name, owner="bob", ttl=LONG, wait=LONG)) as waiter:
                    await settle(harness, pace(lock))
                    async with running(lock.release(lease)) as releasing:
                        await turns(moment)
                        granted = await cancelled(waiter)
                        await soon(releasing)
                if granted is not None:
                    await lock.release(granted)
                async with running(lock.acquire(name, owner="next", ttl=LONG, wait=LONG)) as following:
                    await until_done(following, harness, pace(lock), within=PROMPT)

    @level("faulty")
    async def test_lock_41_a_cancelled_try_leaves_no_trace(self, harness: Harness[Lock]) -> None:
        """A lease of a free name that was granted in the instant of cancellation is given back."""
        async with harness.open() as lock:
            for moment in TURNS:
                name = f"{NAME}:{moment}"
                async with running(lock.acquire(name, owner="bob", ttl=LONG)) as task:
                    await turns(moment)
                    granted = await cancelled(task)
                if granted is not None:
                    await lock.release(granted)
                async with running(lock.acquire(name, owner="next", ttl=LONG, wait=LONG)) as following:
                    await until_done(following, harness, pace(lock), within=PROMPT)

    @level("faulty")
    async def test_lock_42_a_cancelled_waiter_takes_no_wake_up_with_it(self, harness: Harness[Lock]) -> None:
        """Where two wait and the first is cancelled in the instant of the release, the second is woken."""
        async with harness.open() as lock:
            for moment in TURNS:
                name = f"{NAME}:{moment}"
                lease = await lock.acquire(name, owner="ada", ttl=LONG)
                async with (
                    running(lock.acquire(name, owner="bob", ttl=LONG, wait=LONG)) as first,
                    running(lock.acquire(name, owner="eve", ttl=LONG, wait=LONG)) as second,
                ):
                    await settle(harness, pace(lock))
                    async with running(lock.release(lease)) as releasing:
                        await turns(moment)
                        granted = await cancelled(first)
                        await soon(releasing)
                    if granted is not None:
                        await lock.release(granted)
                    await until_done(second, harness, pace(lock), within=PROMPT)

    @level("concurrent")
    async def test_lock_43_a_waiter_that_gave_up_is_not_granted_later(self, harness: Harness[Lock]) -> None:
        """After its timeout the name goes to others, or to nobody."""
        async with harness.open() as lock:
            lease = await lock.acquire(NAME, owner="ada", ttl=LONG)
            async with running(lock.acquire(NAME, owner="bob", ttl=LONG, wait=3.0)) as waiter:
                with pytest.raises(LockTimeout):
                    await until_done(waiter, harness, pace(lock), within=3.0 + PROMPT)
            await lock.release(lease)
            await settle(harness, pace(lock))
            assert await lock.inspect(NAME) is None

    @level("concurrent")
    async def test_lock_44_a_second_client_is_excluded(self, harness: Harness[Lock]) -> None:
        """It sees the lease, and cannot have it."""
        needs(harness, "second_client")
        async with harness.open() as one, harness.second_client() as two:
            lease = await one.acquire(NAME, owner="ada", ttl=LONG)
            assert await two.inspect(NAME) == held(lease)
            assert (await refused(two)).holder == held(lease)

    @level("concurrent")
    async def test_lock_45_a_release_wakes_waiters_of_a_second_client(self, harness: Harness[Lock]) -> None:
        """Long before the lease would have expired."""
        needs(harness, "second_client")
        async with harness.open() as one, harness.second_client() as two:
            lease = await one.acquire(NAME, owner="ada", ttl=LONG)
            async with running(two.acquire(NAME, owner="bob", ttl=LONG, wait=LONG)) as waiter:
                await settle(harness, pace(two))
                await one.release(lease)
                taken = await until_done(waiter, harness, pace(two), within=PROMPT)
            assert taken.token > lease.token

    @level("concurrent")
    async def test_lock_46_contenders_on_two_clients_never_meet(self, harness: Harness[Lock]) -> None:
        """As on one; so tokens grow across clients."""
        needs(harness, "second_client")
        history: list[tuple[str, int]] = []
        async with harness.open() as one, harness.second_client() as two:
            crowd = all_of(*(contend((one, two)[n % 2], f"agent-{n}", history) for n in range(20)))
            async with running(crowd) as task:
                await until_done(task, harness, pace(one), within=CROWDED)
        assert_never_two(history, 20)

    @level("concurrent")
    async def test_lock_47_tokens_grow_while_one_client_stays(self, harness: Harness[Lock]) -> None:
        """A client that left and came back, and one that stayed, draw from one sequence."""
        needs(harness, "second_client")
        async with harness.second_client() as stays:
            async with harness.open() as lock:
                first = await lock.acquire(NAME, owner="ada", ttl=LONG)
                await lock.release(first)
            second = await stays.acquire(NAME, owner="bob", ttl=LONG)
            await stays.release(second)
            async with harness.open() as lock:
                third = await lock.acquire(NAME, owner="ada", ttl=LONG)
        assert first.token < second.token < third.token

    @level("faulty")
    async def test_lock_48_a_waiter_cut_off_is_not_granted(self, harness: Harness[Lock]) -> None:
        """It ends with `Unavailable`, or waits on and gets the name when it is free: never while another holds it."""
        needs(harness, "sever")
        async with harness.open() as lock:
            lease = await lock.acquire(NAME, owner="ada", ttl=LONG)
            async with running(lock.acquire(NAME, owner="bob", ttl=LONG, wait=LONG)) as waiter:
                await settle(harness, pace(lock))
                await harness.sever()
                await harness.advance(1.0)
                await harness.heal()
                await settle(harness, pace(lock))
                if waiter.done():
                    assert isinstance(waiter.exception(), Unavailable)
                    return
                await lock.release(lease)
                await until_done(waiter, harness, pace(lock), within=PROMPT)

    @level("concurrent")
    async def test_lock_49_closing_tells_who_waits(self, harness: Harness[Lock]) -> None:
        """`Unavailable` at once: nobody waits for what cannot come any more."""
        async with harness.open() as lock:
            await lock.acquire(NAME, owner="ada", ttl=LONG)
            waiter = asyncio.create_task(lock.acquire(NAME, owner="bob", ttl=LONG, wait=LONG))
            await settle(harness, pace(lock))
        with pytest.raises(Unavailable):
            await soon(waiter)

    @level("concurrent")
    async def test_lock_50_a_shortened_lease_wakes_waiters_at_its_new_end(
        self, harness: Harness[Lock]
    ) -> None:
        """Who planned to wake at the end that it had before looks again."""
        async with harness.open() as lock:
            lease = await lock.acquire(NAME, owner="ada", ttl=LONG)
            async with running(lock.acquire(NAME, owner="bob", ttl=LONG, wait=LONG)) as waiter:
                await settle(harness, pace(lock))
                await lock.renew(lease, ttl=5.0)
                await settle(harness, pace(lock))
                await harness.advance(4.0)
                await settle(harness, pace(lock))
                assert not waiter.done(), "granted while another held it"
                await until_done(waiter, harness, pace(lock), within=1.0 + PROMPT)
