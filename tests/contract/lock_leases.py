"""Lock, first part: what a lease is, who holds it, and until when."""

from __future__ import annotations

import math
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent_memory.ports.errors import LockTimeout, NotHeld, Rejected, Unavailable
from agent_memory.ports.lock import MAX_TTL, Held, Lease, Lock

from .suite import Suite, level, needs, soon

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .harness import Harness

NAME = "file:src/app.py"
LONG = 1_000.0
"""Seconds no clause comes near: a lease of this length ends only by what the clause does."""
ODD_NAMES = (
    "a", "A", "a ", " a", "a/b", "a//b", "a:b", "/", ".", "..", "a%", "a_", "a*", "a?", "[a]", "a\\b", "'", '"', "a\nb",
    "ключ", "錠", "🔒", "é", "e\u0301", "x" * 512,
)  # fmt: skip
"""Names that differ, however alike a file system, a pattern or a collation finds them."""
TOLERANCE = timedelta(milliseconds=5)
LATE = timedelta(seconds=1.0)
"""A server's own time may pass beside that in which the clause moves it."""


async def refused(lock: Lock, name: str = NAME, owner: str = "other") -> LockTimeout:
    """That the name is taken now: one try, no wait."""
    with pytest.raises(LockTimeout) as caught:
        await soon(lock.acquire(name, owner=owner, ttl=LONG))
    return caught.value


def held(lease: Lease) -> Held:
    return msgspec.convert(msgspec.structs.asdict(lease), Held)


class LockLeases(Suite):
    @pytest.fixture
    def harness(self) -> Harness[Lock]:
        raise NotImplementedError("override `harness` with one of your adapter")

    async def test_lock_01_grants_a_free_name(self, harness: Harness[Lock]) -> None:
        """The lease names what was asked, and runs from now for the ttl asked."""
        async with harness.open() as lock:
            lease = await soon(lock.acquire(NAME, owner="ada", ttl=90.0))
        assert (lease.name, lease.owner) == (NAME, "ada")
        assert lease.token > 0
        assert lease.acquired_at.tzinfo is UTC
        assert abs(lease.expires_at - lease.acquired_at - timedelta(seconds=90)) < TOLERANCE

    async def test_lock_02_refuses_a_second_owner(self, harness: Harness[Lock]) -> None:
        """One live lease per name."""
        async with harness.open() as lock:
            await lock.acquire(NAME, owner="ada", ttl=LONG)
            await refused(lock, owner="bob")

    async def test_lock_03_is_not_reentrant(self, harness: Harness[Lock]) -> None:
        """The holder waits like any other."""
        async with harness.open() as lock:
            await lock.acquire(NAME, owner="ada", ttl=LONG)
            await refused(lock, owner="ada")

    async def test_lock_04_released_is_free(self, harness: Harness[Lock]) -> None:
        """Once release has returned, the first to try gets it."""
        async with harness.open() as lock:
            await lock.release(await lock.acquire(NAME, owner="ada", ttl=LONG))
            assert await lock.inspect(NAME) is None
            lease = await soon(lock.acquire(NAME, owner="bob", ttl=LONG))
            assert lease.owner == "bob"

    async def test_lock_05_expires_at_its_ttl_not_before(self, harness: Harness[Lock]) -> None:
        """By the lock server's clock."""
        async with harness.open() as lock:
            await lock.acquire(NAME, owner="ada", ttl=10.0)
            await harness.advance(9.0)
            await refused(lock)
            await harness.advance(1.0)
            assert await lock.inspect(NAME) is None
            assert await lock.list() == []
            lease = await soon(lock.acquire(NAME, owner="bob", ttl=10.0))
            assert lease.owner == "bob"

    async def test_lock_06_tokens_grow_across_release(self, harness: Harness[Lock]) -> None:
        """Each grant's token is greater than every earlier one of that name."""
        tokens: list[int] = []
        async with harness.open() as lock:
            for owner in ("ada", "bob", "ada"):
                lease = await lock.acquire(NAME, owner=owner, ttl=LONG)
                await lock.release(lease)
                tokens.append(lease.token)
        assert tokens == sorted(set(tokens))

    async def test_lock_07_tokens_grow_across_expiry(self, harness: Harness[Lock]) -> None:
        """Also long after the name was forgotten."""
        async with harness.open() as lock:
            first = await lock.acquire(NAME, owner="ada", ttl=10.0)
            await harness.advance(MAX_TTL)
            second = await lock.acquire(NAME, owner="bob", ttl=10.0)
        assert second.token > first.token

    async def test_lock_08_tokens_grow_across_force_release(self, harness: Harness[Lock]) -> None:
        """Whoever was forced out must be recognisable as late."""
        async with harness.open() as lock:
            first = await lock.acquire(NAME, owner="ada", ttl=LONG)
            await lock.force_release(NAME, by="admin", reason="stuck")
            second = await lock.acquire(NAME, owner="bob", ttl=LONG)
        assert second.token > first.token

    async def test_lock_09_tokens_grow_across_restart(self, harness: Harness[Lock]) -> None:
        """A durable lock server remembers, also when the name was free at the time."""
        needs(harness, "durable")
        async with harness.open() as lock:
            first = await lock.acquire(NAME, owner="ada", ttl=LONG)
            await lock.release(first)
        async with harness.open() as lock:
            second = await lock.acquire(NAME, owner="bob", ttl=LONG)
        assert second.token > first.token

    async def test_lock_10_leases_survive_restart(self, harness: Harness[Lock]) -> None:
        """A durable lock server still excludes, and still knows the lease."""
        needs(harness, "durable")
        async with harness.open() as lock:
            lease = await lock.acquire(NAME, owner="ada", ttl=LONG)
        async with harness.open() as lock:
            await refused(lock)
            await lock.release(lease)
            assert await lock.inspect(NAME) is None

    async def test_lock_11_releases_once(self, harness: Harness[Lock]) -> None:
        """A lease that is over cannot be released."""
        async with harness.open() as lock:
            lease = await lock.acquire(NAME, owner="ada", ttl=LONG)
            await lock.release(lease)
            with pytest.raises(NotHeld):
                await lock.release(lease)

    async def test_lock_12_an_expired_lease_is_not_released(self, harness: Harness[Lock]) -> None:
        """Even if nobody took the name since: the owner must learn that it was late."""
        async with harness.open() as lock:
            lease = await lock.acquire(NAME, owner="ada", ttl=10.0)
            await harness.advance(11.0)
            with pytest.raises(NotHeld):
                await lock.release(lease)

    async def test_lock_13_a_late_release_leaves_the_new_holder(self, harness: Harness[Lock]) -> None:
        """Only the live token releases, also when the owner is the same."""
        async with harness.open() as lock:
            stale = await lock.acquire(NAME, owner="ada", ttl=10.0)
            await harness.advance(11.0)
            live = await lock.acquire(NAME, owner="ada", ttl=LONG)
            with pytest.raises(NotHeld):
                await lock.release(stale)
            assert await lock.inspect(NAME) == held(live)

    async def test_lock_14_a_forged_token_releases_nothing(self, harness: Harness[Lock]) -> None:
        """Knowing name and owner gives no right."""
        async with harness.open() as lock:
            lease = await lock.acquire(NAME, owner="ada", ttl=LONG)
            with pytest.raises(NotHeld):
                await lock.release(msgspec.structs.replace(lease, token=lease.token + 1))
            assert await lock.inspect(NAME) == held(lease)

    async def test_lock_15_renew_counts_from_now(self, harness: Harness[Lock]) -> None:
        """The same token, expiring `ttl` after the renewal."""
        async with harness.open() as lock:
            lease = await lock.acquire(NAME, owner="ada", ttl=10.0)
            await harness.advance(8.0)
            renewed = await lock.renew(lease, ttl=10.0)
            assert renewed.token == lease.token
            assert renewed.acquired_at == lease.acquired_at
            assert abs(renewed.expires_at - lease.expires_at - timedelta(seconds=8.0)) < LATE
            assert await lock.inspect(NAME) == held(renewed)
            await harness.advance(9.0)
            await refused(lock)
            await harness.advance(1.0)
            assert await lock.inspect(NAME) is None

    async def test_lock_16_renew_may_shorten(self, harness: Harness[Lock]) -> None:
        """What is left of the old ttl does not count."""
        async with harness.open() as lock:
            lease = await lock.acquire(NAME, owner="ada", ttl=LONG)
            await lock.renew(lease, ttl=5.0)
            await harness.advance(6.0)
            assert await lock.inspect(NAME) is None

    async def test_lock_17_an_expired_lease_is_not_renewed(self, harness: Harness[Lock]) -> None:
        """Even if nobody took the name since."""
        async with harness.open() as lock:
            lease = await lock.acquire(NAME, owner="ada", ttl=10.0)
            await harness.advance(11.0)
            with pytest.raises(NotHeld):
                await lock.renew(lease, ttl=10.0)
            assert await lock.inspect(NAME) is None

    async def test_lock_18_a_stale_token_renews_nothing(self, harness: Harness[Lock]) -> None:
        """The new holder's lease keeps its own end."""
        async with harness.open() as lock:
            stale = await lock.acquire(NAME, owner="ada", ttl=10.0)
            await harness.advance(11.0)
            live = await lock.acquire(NAME, owner="ada", ttl=20.0)
            with pytest.raises(NotHeld):
                await lock.renew(stale, ttl=LONG)
            assert await lock.inspect(NAME) == held(live)

    async def test_lock_19_a_released_lease_is_not_renewed(self, harness: Harness[Lock]) -> None:
        """Renewal never takes a free name."""
        async with harness.open() as lock:
            lease = await lock.acquire(NAME, owner="ada", ttl=LONG)
            await lock.release(lease)
            with pytest.raises(NotHeld):
                await lock.renew(lease, ttl=LONG)
            assert await lock.inspect(NAME) is None

    async def test_lock_20_inspect_tells_the_live_lease(self, harness: Harness[Lock]) -> None:
        """All of it while it lives, None before and after."""
        async with harness.open() as lock:
            assert await lock.inspect(NAME) is None
            lease = await lock.acquire(NAME, owner="ada", ttl=10.0)
            assert await lock.inspect(NAME) == held(lease)
            await harness.advance(11.0)
            assert await lock.inspect(NAME) is None

    async def test_lock_21_list_tells_live_leases_by_name(self, harness: Harness[Lock]) -> None:
        """In the order of their names; what ended is not among them."""
        async with harness.open() as lock:
            late = await lock.acquire("c", owner="ada", ttl=LONG)
            early = await lock.acquire("a", owner="bob", ttl=LONG)
            await lock.release(await lock.acquire("b", owner="ada", ttl=LONG))
            await lock.acquire("d", owner="ada", ttl=10.0)
            await harness.advance(11.0)
            assert await lock.list() == [held(early), held(late)]

    async def test_lock_22_list_takes_its_prefix_literally(self, harness: Harness[Lock]) -> None:
        """No character of it is a pattern."""
        async with harness.open() as lock:
            for name in ("a%b1", "a_b1", "a*b1", "a%b2", "axb1", "A%b1"):
                await lock.acquire(name, owner="ada", ttl=LONG)
            assert [each.name for each in await lock.list(prefix="a%b")] == ["a%b1", "a%b2"]
            assert [each.name for each in await lock.list(prefix="a_b")] == ["a_b1"]
            assert [each.name for each in await lock.list(prefix="a*")] == ["a*b1"]

    async def test_lock_23_list_stops_at_its_limit(self, harness: Harness[Lock]) -> None:
        """The first by name."""
        async with harness.open() as lock:
            for name in ("d", "b", "c", "a"):
                await lock.acquire(name, owner="ada", ttl=LONG)
            assert [each.name for each in await lock.list(limit=2)] == ["a", "b"]

    async def test_lock_54_a_list_is_of_a_hundred(self, harness: Harness[Lock]) -> None:
        """Where no limit is named: the first hundred by name."""
        names = [f"file:{number:03}" for number in range(101)]
        async with harness.open() as lock:
            for name in reversed(names):
                await lock.acquire(name, owner="ada", ttl=LONG)
            assert [each.name for each in await lock.list()] == names[:100]

    async def test_lock_55_a_ttl_may_be_short(self, harness: Harness[Lock]) -> None:
        """Any that is positive: half a second is one, to acquire and to renew."""
        async with harness.open() as lock:
            lease = await lock.acquire(NAME, owner="ada", ttl=LONG)
            await lock.renew(lease, ttl=0.5)
            await harness.advance(0.5)
            lease = await lock.acquire(NAME, owner="ada", ttl=0.5)
            assert lease.expires_at - lease.acquired_at == timedelta(seconds=0.5)

    async def test_lock_24_force_release_returns_what_it_ended(self, harness: Harness[Lock]) -> None:
        """And None when nothing was held."""
        async with harness.open() as lock:
            assert await lock.force_release(NAME, by="admin", reason="check") is None
            lease = await lock.acquire(NAME, owner="ada", ttl=LONG)
            assert await lock.force_release(NAME, by="admin", reason="stuck") == held(lease)
            assert await lock.inspect(NAME) is None

    async def test_lock_25_a_forced_lease_is_over(self, harness: Harness[Lock]) -> None:
        """Its owner can neither renew nor release it."""
        async with harness.open() as lock:
            lease = await lock.acquire(NAME, owner="ada", ttl=LONG)
            await lock.force_release(NAME, by="admin", reason="stuck")
            with pytest.raises(NotHeld):
                await lock.renew(lease, ttl=LONG)
            with pytest.raises(NotHeld):
                await lock.release(lease)

    async def test_lock_26_names_are_apart(self, harness: Harness[Lock]) -> None:
        """Any text is a name, and only the very same text is the same name."""
        async with harness.open() as lock:
            leases = [await soon(lock.acquire(name, owner="ada", ttl=LONG)) for name in ODD_NAMES]
            assert [lease.name for lease in leases] == list(ODD_NAMES)
            await lock.release(leases[0])
            for lease in leases[1:]:
                assert await lock.inspect(lease.name) == held(lease)

    async def test_lock_27_rejects_an_empty_name_or_owner(self, harness: Harness[Lock]) -> None:
        """And says which."""
        async with harness.open() as lock:
            with pytest.raises(Rejected) as name:
                await lock.acquire("", owner="ada", ttl=LONG)
            with pytest.raises(Rejected) as owner:
                await lock.acquire(NAME, owner="", ttl=LONG)
            assert (name.value.field, owner.value.field) == ("name", "owner")
            assert await lock.list() == []

    async def test_lock_28_rejects_a_ttl_out_of_range(self, harness: Harness[Lock]) -> None:
        """0 < ttl <= MAX_TTL, for acquire and renew; nothing is taken or changed."""
        async with harness.open() as lock:
            lease = await lock.acquire(NAME, owner="ada", ttl=MAX_TTL)
            for ttl in (0.0, -1.0, MAX_TTL + 1, math.inf, math.nan):
                with pytest.raises(Rejected):
                    await lock.acquire("b", owner="ada", ttl=ttl)
                with pytest.raises(Rejected):
                    await lock.renew(lease, ttl=ttl)
            assert await lock.list() == [held(lease)]

    async def test_lock_29_rejects_a_wait_out_of_range(self, harness: Harness[Lock]) -> None:
        """Even where the name is free, so that the mistake shows at once."""
        async with harness.open() as lock:
            for wait in (-1.0, math.inf, math.nan):
                with pytest.raises(Rejected):
                    await lock.acquire(NAME, owner="ada", ttl=LONG, wait=wait)
            assert await lock.inspect(NAME) is None

    @level("faulty")
    async def test_lock_30_never_grants_in_doubt(self, harness: Harness[Lock]) -> None:
        """Cut off from the backend, every call is `Unavailable`; healed, what was held is held."""
        needs(harness, "sever")
        async with harness.open() as lock:
            lease = await lock.acquire(NAME, owner="ada", ttl=LONG)
            await harness.sever()
            calls: tuple[Callable[[], Awaitable[object]], ...] = (
                lambda: lock.acquire("free", owner="bob", ttl=LONG),
                lambda: lock.acquire(NAME, owner="bob", ttl=LONG),
                lambda: lock.renew(lease, ttl=LONG),
                lambda: lock.inspect(NAME),
                lock.list,
            )
            for call in calls:
                with pytest.raises(Unavailable):
                    await soon(call())
            await harness.heal()
            assert await lock.list() == [held(lease)]
