"""Cache, second part: `load`, one flight for all who ask."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from .cache_keeping import LONG, CacheHarness, CacheKeeping, bound
from .suite import cancelled, level, needs, running, settle, soon, turns, until_done

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agent_memory.ports.cache import Cache

CROWD = 50
ABANDONED = 120.0
"""Seconds after which what a client was loading is not waited for any more, if it is gone."""


class Loader:
    """Counts its runs, and ends each only once `release` was called."""

    def __init__(self, outcome: bytes | Exception = b"loaded") -> None:
        self.runs = 0
        self.given_up = asyncio.Event()
        self.started = asyncio.Event()
        self.outcome = outcome
        self._released = asyncio.Event()

    def release(self) -> None:
        self._released.set()

    async def __call__(self) -> bytes:
        self.runs += 1
        self.started.set()
        try:
            await self._released.wait()
        except asyncio.CancelledError:
            self.given_up.set()
            raise
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


class Tidying:
    """A loader that has something to do when it is cancelled, which takes a while; run again it has its outcome."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.has_tidied = False

    async def __call__(self) -> bytes:
        if self.started.is_set():
            return b"loaded"
        self.started.set()
        try:
            await asyncio.Event().wait()
        finally:
            await turns(100)
            self.has_tidied = True
        raise AssertionError("unreachable")


def ready(outcome: bytes | Exception = b"loaded") -> Loader:
    loader = Loader(outcome)
    loader.release()
    return loader


def pace(cache: Cache) -> Callable[[], Awaitable[object]]:
    return lambda: cache.get("elsewhere")


class CacheLoading(CacheKeeping):
    async def test_cache_31_loads_what_is_missing(self, harness: CacheHarness) -> None:
        """Once: then it is there, for load and get."""
        loader = ready()
        async with harness.open() as cache:
            assert await cache.load("a", loader, ttl=LONG) == b"loaded"
            assert await cache.load("a", loader, ttl=LONG) == b"loaded"
            assert await cache.get("a") == b"loaded"
        assert loader.runs == 1

    async def test_cache_32_loads_again_after_the_ttl(self, harness: CacheHarness) -> None:
        """What was loaded ages as what was put."""
        loader = ready()
        async with harness.open() as cache:
            await cache.load("a", loader, ttl=10.0)
            await harness.advance(9.0)
            await cache.load("a", loader, ttl=10.0)
            assert loader.runs == 1
            await harness.advance(1.5)
            await cache.load("a", loader, ttl=10.0)
        assert loader.runs == 2

    @level("concurrent")
    async def test_cache_34_fifty_callers_share_one_load(self, harness: CacheHarness) -> None:
        """The loader runs once and everyone gets its result."""
        loader = Loader()
        async with harness.open() as cache:
            crowd = asyncio.gather(*(cache.load("a", loader, ttl=LONG) for _ in range(CROWD)))
            await soon(loader.started.wait())
            await settle(harness, pace(cache))
            loader.release()
            assert await soon(crowd) == [b"loaded"] * CROWD
        assert loader.runs == 1

    @level("concurrent")
    async def test_cache_35_loads_of_other_keys_do_not_wait(self, harness: CacheHarness) -> None:
        """One slow load holds up only those who ask for its key."""
        slow = Loader()
        async with harness.open() as cache, running(cache.load("a", slow, ttl=LONG)):
            await soon(slow.started.wait())
            assert await soon(cache.load("b", ready(b"other"), ttl=LONG)) == b"other"

    @level("concurrent")
    async def test_cache_36_everyone_gets_the_error(self, harness: CacheHarness) -> None:
        """The loader's own, unchanged, after one run."""
        loader = Loader(ValueError("no such thing"))
        async with harness.open() as cache:
            crowd = asyncio.gather(
                *(cache.load("a", loader, ttl=LONG) for _ in range(CROWD)), return_exceptions=True
            )
            await soon(loader.started.wait())
            await settle(harness, pace(cache))
            loader.release()
            outcomes = await soon(crowd)
        assert [str(outcome) for outcome in outcomes] == ["no such thing"] * CROWD
        assert {type(outcome) for outcome in outcomes} == {ValueError}
        assert loader.runs == 1

    async def test_cache_37_no_error_is_kept(self, harness: CacheHarness) -> None:
        """The next to ask runs its loader."""
        async with harness.open() as cache:
            with pytest.raises(ValueError, match="no such thing"):
                await cache.load("a", ready(ValueError("no such thing")), ttl=LONG)
            assert await cache.get("a") is None
            assert await cache.load("a", ready(), ttl=LONG) == b"loaded"

    @level("faulty")
    async def test_cache_38_a_cancelled_caller_takes_nobody_with_it(self, harness: CacheHarness) -> None:
        """The one who began the load may go; those who wait still get the one result."""
        loader = Loader()
        async with (
            harness.open() as cache,
            running(cache.load("a", loader, ttl=LONG)) as first,
        ):
            await soon(loader.started.wait())
            async with running(cache.load("a", loader, ttl=LONG)) as second:
                await settle(harness, pace(cache))
                await cancelled(first)
                loader.release()
                await soon(asyncio.wait({second}))
                assert not second.cancelled(), "cancelled with another"
                assert second.result() == b"loaded"
        assert first.cancelled()
        assert loader.runs == 1

    @level("faulty")
    async def test_cache_39_after_all_were_cancelled_the_next_loads_anew(self, harness: CacheHarness) -> None:
        """Nobody joins a load that nobody waits for, and it leaves no result behind."""
        deserted = Loader(b"old")
        async with harness.open() as cache:
            callers = [asyncio.create_task(cache.load("a", deserted, ttl=LONG)) for _ in range(3)]
            await soon(deserted.started.wait())
            await settle(harness, pace(cache))
            for caller in callers:
                assert await cancelled(caller) is None
            assert await soon(cache.load("a", ready(b"new"), ttl=LONG)) == b"new"
            deserted.release()
            await settle(harness, pace(cache))
            assert await cache.get("a") == b"new"

    @level("concurrent")
    async def test_cache_40_a_clear_during_a_load_bars_its_result(self, harness: CacheHarness) -> None:
        """Who waited gets it; the cache does not keep it."""
        loader = Loader()
        async with harness.open() as cache, running(cache.load("a", loader, ttl=LONG)) as caller:
            await soon(loader.started.wait())
            await cache.clear()
            loader.release()
            assert await soon(caller) == b"loaded"
            assert await cache.get("a") is None

    @level("concurrent")
    async def test_cache_41_a_prefix_clear_during_a_load_bars_its_result(self, harness: CacheHarness) -> None:
        """As a clear of everything does, for keys of that prefix."""
        loader = Loader()
        async with harness.open() as cache, running(cache.load("scope:a", loader, ttl=LONG)) as caller:
            await soon(loader.started.wait())
            await cache.clear(prefix="scope:")
            loader.release()
            assert await soon(caller) == b"loaded"
            assert await cache.get("scope:a") is None

    @level("concurrent")
    async def test_cache_42_after_a_clear_nobody_joins_the_older_load(self, harness: CacheHarness) -> None:
        """Its result is of before the clear, and this caller asked after it."""
        older = Loader(b"old")
        async with harness.open() as cache, running(cache.load("a", older, ttl=LONG)):
            await soon(older.started.wait())
            await cache.clear()
            assert await soon(cache.load("a", ready(b"new"), ttl=LONG)) == b"new"
            older.release()
            await settle(harness, pace(cache))
            assert await cache.get("a") == b"new"

    async def test_cache_43_a_loader_may_use_the_cache(self, harness: CacheHarness) -> None:
        """For another key: no deadlock."""
        async with harness.open() as cache:

            async def outer() -> bytes:
                return b"outer of " + await cache.load("inner", ready(b"inner"), ttl=LONG)

            assert await soon(cache.load("outer", outer, ttl=LONG)) == b"outer of inner"

    async def test_cache_44_what_is_too_large_is_still_loaded(self, harness: CacheHarness) -> None:
        """Given to the caller, not kept, and nothing is evicted for it."""
        large = bytes(bound(harness) + 1)
        async with harness.open() as cache:
            await cache.put("small", b"one", ttl=LONG)
            assert await cache.load("large", ready(large), ttl=LONG) == large
            assert [await cache.get("large"), await cache.get("small")] == [None, b"one"]

    @level("concurrent")
    async def test_cache_45_clients_share_a_load(self, harness: CacheHarness) -> None:
        """What one is loading, another waits for."""
        needs(harness, "second_client")
        mine, theirs = Loader(b"mine"), ready(b"theirs")
        async with (
            harness.open() as one,
            harness.second_client() as two,
            running(one.load("a", mine, ttl=LONG)) as first,
        ):
            await soon(mine.started.wait())
            async with running(two.load("a", theirs, ttl=LONG)) as second:
                await settle(harness, pace(two))
                mine.release()
                assert await soon(asyncio.shield(second)) == b"mine"
            assert await soon(asyncio.shield(first)) == b"mine"
        assert (mine.runs, theirs.runs) == (1, 0)

    @level("concurrent")
    async def test_cache_46_another_clients_change_bars_a_load(self, harness: CacheHarness) -> None:
        """Deleted, cleared or replaced by it meanwhile: the result, older than that, is not kept."""
        needs(harness, "second_client")
        keys = ("deleted", "cleared:a", "replaced")
        loaders = [Loader(b"old") for _ in keys]
        async with harness.open() as one, harness.second_client() as two:
            loads = asyncio.gather(
                *(one.load(key, loader, ttl=LONG) for key, loader in zip(keys, loaders, strict=True))
            )
            for loader in loaders:
                await soon(loader.started.wait())
            await two.delete("deleted")
            await two.clear(prefix="cleared:")
            await two.put("replaced", b"new", ttl=LONG)
            for loader in loaders:
                loader.release()
            assert await soon(loads) == [b"old"] * 3
            await harness.advance(one.capabilities.lag)
            assert [await one.get(key) for key in keys] == [None, None, b"new"]
            assert [await two.get(key) for key in keys] == [None, None, b"new"]

    @level("concurrent")
    async def test_cache_47_a_load_that_nobody_waits_for_is_given_up(self, harness: CacheHarness) -> None:
        """With the last who was cancelled, and not with the first."""
        loader = Loader()
        async with harness.open() as cache:
            callers = [asyncio.create_task(cache.load("a", loader, ttl=LONG)) for _ in range(2)]
            await soon(loader.started.wait())
            await settle(harness, pace(cache))
            await cancelled(callers[0])
            await settle(harness, pace(cache))
            assert not loader.given_up.is_set()
            await cancelled(callers[1])
            await soon(loader.given_up.wait())

    @level("concurrent")
    async def test_cache_48_a_client_that_leaves_holds_up_nobody(self, harness: CacheHarness) -> None:
        """Who waited for a load of its own loads for itself."""
        needs(harness, "second_client")
        never, theirs = Loader(b"never"), ready(b"theirs")
        async with harness.second_client() as stays:
            async with harness.open() as leaves:
                first = asyncio.create_task(leaves.load("a", never, ttl=LONG))
                await soon(never.started.wait())
                second = asyncio.create_task(stays.load("a", theirs, ttl=LONG))
                await settle(harness, pace(stays))
                assert not second.done()
                await cancelled(first)
            assert await until_done(second, harness, pace(stays), within=ABANDONED, step=1.0) == b"theirs"

    @level("concurrent")
    async def test_cache_49_leaving_waits_for_the_loads_that_it_cancels(self, harness: CacheHarness) -> None:
        """What a loader does when it is given up has been done then, also by one that nobody waited for any more."""
        waited_for, deserted = Tidying(), Tidying()
        async with harness.open() as cache:
            caller = asyncio.create_task(cache.load("waited for", waited_for, ttl=LONG))
            leaver = asyncio.create_task(cache.load("deserted", deserted, ttl=LONG))
            await soon(waited_for.started.wait())
            await soon(deserted.started.wait())
            await cancelled(leaver)
        assert [waited_for.has_tidied, deserted.has_tidied] == [True, True]
        assert await soon(caller) == b"loaded"

    async def test_cache_50_a_loader_that_cancels_itself_is_run_once(self, harness: CacheHarness) -> None:
        """Who asked is cancelled with it; nothing is kept, and the next to ask runs its loader."""
        runs = 0

        async def gives_up() -> bytes:
            nonlocal runs
            runs += 1
            raise asyncio.CancelledError

        async with harness.open() as cache:
            with pytest.raises(asyncio.CancelledError):
                await soon(cache.load("a", gives_up, ttl=LONG))
            assert runs == 1
            assert await cache.get("a") is None
            assert await soon(cache.load("a", ready(), ttl=LONG)) == b"loaded"
