"""Cache, first part: what is kept, for how long, within what bounds."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Protocol

import pytest

from agent_memory.ports.cache import Cache
from agent_memory.ports.errors import Rejected

from .harness import Harness
from .suite import Suite, Undeclared, level, needs, soon

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

LONG = 1_000.0
ODD_KEYS = (
    "a", "A", "a ", " a", "a:b", "a/b", "a*", "a?", "[a]", "a%", "a_", "a\\b", "'", '"', "a\nb", "a\r\nb",
    "ключ", "鍵", "🔑", "é", "e\u0301", "k" * 512,
)  # fmt: skip


class CacheHarness(Harness[Cache], Protocol):
    """`max_bytes` bounds what `open` gives, at least 32 KiB; None where the adapter has no bound of its own."""

    @property
    def max_bytes(self) -> int | None: ...

    def open(self) -> AbstractAsyncContextManager[Cache]: ...


def bound(harness: CacheHarness) -> int:
    if harness.max_bytes is None:
        raise Undeclared("harness", "max_bytes")
    return harness.max_bytes


class CacheKeeping(Suite):
    @pytest.fixture
    def harness(self) -> CacheHarness:
        raise NotImplementedError("override `harness` with one of your adapter")

    async def test_cache_01_keeps_what_fits(self, harness: CacheHarness) -> None:
        """Nothing is promised to stay, but a cache that keeps nothing while all is well is of no use."""
        async with harness.open() as cache:
            assert await cache.get("a") is None
            await cache.put("a", b"one", ttl=LONG)
            assert await cache.get("a") == b"one"

    async def test_cache_02_never_gives_another_keys_value(self, harness: CacheHarness, seed: int) -> None:
        """A thousand random keys, many alike, each with its own value or none."""
        random_ = random.Random(2 + seed)
        keys = {"".join(random_.choices("ab:/ *é", k=random_.randint(1, 6))) for _ in range(3_000)}
        chosen = sorted(keys)[:1_000]
        assert len(chosen) == 1_000
        async with harness.open() as cache:
            for number, key in enumerate(chosen):
                await cache.put(key, b"%d" % number, ttl=LONG)
            for number, key in enumerate(chosen):
                assert await cache.get(key) in {None, b"%d" % number}

    async def test_cache_03_any_text_is_a_key(self, harness: CacheHarness) -> None:
        """Kept apart from every other, however alike."""
        async with harness.open() as cache:
            for number, key in enumerate(ODD_KEYS):
                await cache.put(key, b"%d" % number, ttl=LONG)
            assert [await cache.get(key) for key in ODD_KEYS] == [b"%d" % n for n in range(len(ODD_KEYS))]

    async def test_cache_04_a_later_put_replaces(self, harness: CacheHarness) -> None:
        """The older value is never seen again."""
        async with harness.open() as cache:
            await cache.put("a", b"one", ttl=LONG)
            await cache.put("a", b"two", ttl=LONG)
            assert await cache.get("a") == b"two"

    async def test_cache_05_forgets_at_the_ttl_not_before(self, harness: CacheHarness) -> None:
        """By the cache's clock."""
        async with harness.open() as cache:
            await cache.put("a", b"one", ttl=10.0)
            await harness.advance(9.0)
            assert await cache.get("a") == b"one"
            await harness.advance(1.0)
            assert await cache.get("a") is None

    async def test_cache_06_the_latest_ttl_counts(self, harness: CacheHarness) -> None:
        """Shorter or longer than the one before; reading prolongs nothing."""
        async with harness.open() as cache:
            await cache.put("a", b"one", ttl=LONG)
            await cache.put("a", b"two", ttl=10.0)
            await cache.put("b", b"one", ttl=10.0)
            await cache.put("b", b"two", ttl=LONG)
            await harness.advance(9.0)
            assert await cache.get("a") == b"two"
            await harness.advance(1.5)
            assert [await cache.get("a"), await cache.get("b")] == [None, b"two"]

    async def test_cache_07_deletes_one(self, harness: CacheHarness) -> None:
        """That key and no other; one that is not there is no error."""
        async with harness.open() as cache:
            await cache.put("a", b"one", ttl=LONG)
            await cache.put("ab", b"two", ttl=LONG)
            await cache.delete("a")
            await cache.delete("absent")
            assert [await cache.get("a"), await cache.get("ab")] == [None, b"two"]

    async def test_cache_08_clears_all(self, harness: CacheHarness) -> None:
        """Every key, and is ready for more."""
        async with harness.open() as cache:
            for key in ODD_KEYS:
                await cache.put(key, b"one", ttl=LONG)
            await cache.clear()
            assert {await cache.get(key) for key in ODD_KEYS} == {None}
            await cache.put("a", b"two", ttl=LONG)
            assert await cache.get("a") == b"two"

    async def test_cache_09_clears_a_prefix_literally(self, harness: CacheHarness) -> None:
        """What begins with it, character by character, and nothing else."""
        keys = ("a*b:1", "a*b:2", "axb:1", "A*b:1", "a*", "b:a*b")
        async with harness.open() as cache:
            for key in keys:
                await cache.put(key, key.encode(), ttl=LONG)
            await cache.clear(prefix="a*b")
            assert [key for key in keys if await cache.get(key)] == ["axb:1", "A*b:1", "a*", "b:a*b"]

    async def test_cache_10_an_empty_value_is_a_value(self, harness: CacheHarness) -> None:
        """Found, not missed, also by `load`."""

        async def loader() -> bytes:
            return b"loaded"

        async with harness.open() as cache:
            await cache.put("a", b"", ttl=LONG)
            assert await cache.get("a") == b""
            assert await cache.load("a", loader, ttl=LONG) == b""

    async def test_cache_11_keeps_bytes_as_they_are(self, harness: CacheHarness) -> None:
        """Every octet, line ends, invalid UTF-8, and what looks like a number."""
        values = (
            bytes(range(256)),
            b"\r\n",
            b"\x00",
            b"\xff\xfe",
            b"0",
            b" 1",
            random.Random(11).randbytes(4_096),
        )
        async with harness.open() as cache:
            for number, value in enumerate(values):
                await cache.put(str(number), value, ttl=LONG)
            assert tuple([await cache.get(str(number)) for number in range(len(values))]) == values

    async def test_cache_12_rejects_a_ttl_that_is_not_positive(self, harness: CacheHarness) -> None:
        """In put and load; nothing is kept or loaded."""

        async def loader() -> bytes:
            raise AssertionError("loaded")

        async with harness.open() as cache:
            for ttl in (0.0, -1.0, math.nan):
                with pytest.raises(Rejected):
                    await cache.put("a", b"one", ttl=ttl)
                with pytest.raises(Rejected):
                    await cache.load("a", loader, ttl=ttl)
            assert await cache.get("a") is None

    async def test_cache_13_a_value_too_large_is_not_kept(self, harness: CacheHarness) -> None:
        """And evicts nothing."""
        limit = bound(harness)
        async with harness.open() as cache:
            await cache.put("small", b"one", ttl=LONG)
            await cache.put("large", bytes(limit + 1), ttl=LONG)
            assert await cache.get("large") is None
            assert await cache.get("small") == b"one"
            assert cache.stats().evictions == 0

    async def test_cache_14_a_value_too_large_still_replaces(self, harness: CacheHarness) -> None:
        """The former value of its key is out of date, so it is not given any more."""
        limit = bound(harness)
        async with harness.open() as cache:
            await cache.put("a", b"one", ttl=LONG)
            await cache.put("a", bytes(limit + 1), ttl=LONG)
            assert await cache.get("a") is None

    async def test_cache_15_stays_within_its_bound(self, harness: CacheHarness, seed: int) -> None:
        """After ten times as much was put, in pieces of many sizes; what is counted is what is found."""
        limit = bound(harness)
        random_ = random.Random(15 + seed)
        values: dict[str, bytes] = {}
        async with harness.open() as cache:
            while sum(map(len, values.values())) < 10 * limit:
                key = f"key-{len(values)}"
                values[key] = bytes(random_.randint(0, limit // 20))
                await cache.put(key, values[key], ttl=LONG)
                assert cache.stats().bytes <= limit
            found = {key: len(value) for key in values if (value := await cache.get(key)) is not None}
            assert limit // 2 < sum(found.values()) <= limit
            assert cache.stats().entries == len(found)

    async def test_cache_16_what_is_used_stays(self, harness: CacheHarness) -> None:
        """The least recently used go first, whether they were used by get or load."""
        limit = bound(harness)

        async def loader() -> bytes:
            raise AssertionError("evicted though it was just used")

        async with harness.open() as cache:
            for key in ("read", "loaded", "left"):
                await cache.put(key, b"one", ttl=LONG)
            for number in range(40):
                await cache.put(f"key-{number}", bytes(limit // 10), ttl=LONG)
                assert await cache.get("read") == b"one"
                assert await cache.load("loaded", loader, ttl=LONG) == b"one"
            assert await cache.get("left") is None
            assert cache.stats().evictions > 0

    async def test_cache_17_counts_a_key_once(self, harness: CacheHarness) -> None:
        """What was replaced or deleted takes no room."""
        bound(harness)
        async with harness.open() as cache:
            for number in range(1_000):
                await cache.put("a", bytes(number), ttl=LONG)
            stats = cache.stats()
            assert (stats.entries, stats.evictions) == (1, 0)
            assert 999 <= stats.bytes < 2_000
            await cache.delete("a")
            assert (cache.stats().entries, cache.stats().bytes) == (0, 0)

    async def test_cache_18_counts_hits_and_misses(self, harness: CacheHarness) -> None:
        """Each get and each load is one or the other."""

        async def loader() -> bytes:
            return b"one"

        async with harness.open() as cache:
            await cache.get("a")
            await cache.load("a", loader, ttl=LONG)
            await cache.load("a", loader, ttl=LONG)
            await cache.get("a")
            await cache.get("b")
            await harness.advance(LONG + 1.0)
            await cache.get("a")  # there still, perhaps, and out of date
            stats = cache.stats()
        assert (stats.hits, stats.misses, stats.failures) == (2, 4, 0)

    @level("concurrent")
    async def test_cache_19_a_second_client_shares(self, harness: CacheHarness) -> None:
        """What either put, the other may find."""
        needs(harness, "second_client")
        async with harness.open() as one, harness.second_client() as two:
            await one.put("a", b"one", ttl=LONG)
            assert await two.get("a") == b"one"

    @level("concurrent")
    async def test_cache_20_a_second_clients_changes_hold(self, harness: CacheHarness) -> None:
        """What it deleted, cleared or replaced is not given any more, also where it was just read: at once, or after
        the lag that the adapter states.
        """
        needs(harness, "second_client")
        async with harness.open() as one, harness.second_client() as two:
            for key in ("a", "b", "c"):
                await one.put(key, b"one", ttl=LONG)
                assert await one.get(key) == b"one"
            await two.delete("a")
            await two.put("b", b"two", ttl=LONG)
            await harness.advance(one.capabilities.lag)
            assert [await one.get(key) for key in ("a", "b", "c")] == [None, b"two", b"one"]
            await two.clear()
            await harness.advance(one.capabilities.lag)
            assert {await one.get(key) for key in ("a", "b", "c")} == {None}

    @level("faulty")
    async def test_cache_21_failure_is_a_miss(self, harness: CacheHarness) -> None:
        """Cut off from the backend nothing raises, `load` still loads, and each failure is counted."""
        needs(harness, "sever")

        async def loader() -> bytes:
            return b"loaded"

        async with harness.open() as cache:
            await cache.put("a", b"one", ttl=LONG)
            await harness.sever()
            assert await soon(cache.get("b")) is None
            assert await soon(cache.load("c", loader, ttl=LONG)) == b"loaded"
            await soon(cache.put("a", b"two", ttl=LONG))
            await soon(cache.delete("a"))
            await soon(cache.clear())
            assert cache.stats().failures > 0
            await harness.heal()
            await cache.put("d", b"three", ttl=LONG)
            assert await cache.get("d") == b"three"

    @level("faulty")
    async def test_cache_22_what_was_changed_while_cut_off_is_gone(self, harness: CacheHarness) -> None:
        """Deleted, replaced or cleared: the older value is not given again once the backend is back."""
        needs(harness, "sever")
        async with harness.open() as cache:
            for key in ("deleted", "replaced", "cleared:a", "kept"):
                await cache.put(key, b"one", ttl=LONG)
            await harness.sever()
            await soon(cache.delete("deleted"))
            await soon(cache.put("replaced", b"two", ttl=LONG))
            await soon(cache.clear(prefix="cleared:"))
            await harness.heal()
            found = [await cache.get(key) for key in ("deleted", "replaced", "cleared:a", "kept")]
            assert found[:3] in ([None, None, None], [None, b"two", None])
            assert found[3] in {None, b"one"}

    async def test_cache_23_a_ttl_may_be_short(self, harness: CacheHarness) -> None:
        """Any that is positive: half a second is one."""
        async with harness.open() as cache:
            await cache.put("a", b"one", ttl=0.5)
            await harness.advance(0.7)
            assert await cache.get("a") is None

    async def test_cache_24_what_is_over_takes_no_room(self, harness: CacheHarness) -> None:
        """Found out of date, or cleared: it is counted no more, and as much as ever can be kept."""
        limit = bound(harness)
        async with harness.open() as cache:
            for number in range(20):
                await cache.put(f"key-{number}", bytes(limit // 40), ttl=10.0)
            full = cache.stats().bytes
            await harness.advance(10.5)
            for number in range(20):
                assert await cache.get(f"key-{number}") is None
            assert (cache.stats().entries, cache.stats().bytes) == (0, 0)
            for prefix in ("", "key"):
                for number in range(20):
                    await cache.put(f"key-{number}", bytes(limit // 40), ttl=LONG)
                assert (cache.stats().entries, cache.stats().bytes) == (20, full)
                await cache.clear(prefix=prefix)
                assert (cache.stats().entries, cache.stats().bytes) == (0, 0)
            assert cache.stats().evictions == 0
