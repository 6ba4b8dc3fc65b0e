"""STORAGE-268 to STORAGE-272: until when time alone changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_memory.ports.changes import RemoveEntries, ReplaceEntry
from agent_memory.ports.scopes import ScopeFilter

from .builders import MICROSECOND, T0, adds, after, changed, entry
from .storage_generations import FILTERS
from .storage_reads import ALL_SCOPES
from .suite import Suite

if TYPE_CHECKING:
    from datetime import datetime

    from agent_memory.ports.storage import Storage

    from .storage_harness import StorageHarness

WEB = ScopeFilter(scope="acme/web", descendants=True)


async def until(store: Storage, now: datetime, where: ScopeFilter = ALL_SCOPES) -> datetime | None:
    return (await store.outlook(where, now=now)).until


class StorageOutlooks(Suite):
    async def test_storage_268_an_outlook_tells_the_generation(self, harness: StorageHarness) -> None:
        """The same as `generation`, for every filter, also inside a unit."""
        async with harness.open() as store:
            await store.apply(*adds(entry(scope="acme/web"), entry(scope="acme"), entry(scope="other")))
            for where in FILTERS.values():
                assert (await store.outlook(where, now=T0)).generation == await store.generation(where)
            async with store.unit() as unit:
                await unit.apply(*adds(entry(scope="acme/web")))
                assert (await unit.outlook(WEB, now=T0)).generation == await unit.generation(WEB)

    async def test_storage_269_it_ends_where_an_entry_comes_to_life_or_ceases(
        self, harness: StorageHarness
    ) -> None:
        """At the earliest of all three kinds of instant, to the microsecond; then at the next."""
        async with harness.open() as store:
            await store.apply(
                *adds(
                    entry(valid_from=after(30)),
                    entry(valid_until=after(20)),
                    entry(expires_at=after(10)),
                    entry(valid_from=after(5), valid_until=after(40)),
                )
            )
            now, met = T0, list[float]()
            while (instant := await until(store, now)) is not None:
                assert await until(store, instant - MICROSECOND) == instant
                met.append((instant - T0).total_seconds())
                now = instant
            assert met == [5, 10, 20, 30, 40]

    async def test_storage_270_without_instants_ahead_it_never_ends(self, harness: StorageHarness) -> None:
        """What has passed, and what is no longer active, does not count."""
        archived, gone = entry(expires_at=after(50)), entry(valid_from=after(60))
        async with harness.open() as store:
            assert await until(store, T0) is None
            await store.apply(*adds(entry(valid_from=after(-5), valid_until=after(-1)), archived, gone))
            assert await until(store, T0) == after(50)
            await store.apply(
                ReplaceEntry(changed(archived, state="archived"), 1), RemoveEntries((gone.id,), after(1))
            )
            assert await until(store, T0) is None

    async def test_storage_271_an_update_moves_it(self, harness: StorageHarness) -> None:
        """The current version alone counts."""
        first = entry(expires_at=after(10))
        async with harness.open() as store:
            await store.apply(*adds(first))
            await store.apply(ReplaceEntry(changed(first, expires_at=after(90)), 1))
            assert await until(store, T0) == after(90)

    async def test_storage_272_other_scopes_never_make_it_later(self, harness: StorageHarness) -> None:
        """However many instants lie before it elsewhere: it ends no later than its own first one."""
        async with harness.open() as store:
            await store.apply(*adds(entry(scope="acme/web/s1", expires_at=after(500))))
            for start in (0, 100, 200):
                others = (entry(scope="other", expires_at=after(start + n + 1)) for n in range(100))
                await store.apply(*adds(*others))
            now, looks = T0, 0
            while (instant := await until(store, now, WEB)) != after(500):
                assert instant is not None
                assert now < instant < after(500)
                now, looks = instant, looks + 1
            assert looks < 300
            assert await until(store, T0, ScopeFilter(scope="third")) != T0
