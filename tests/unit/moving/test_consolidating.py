"""What was told several times becomes one; what differs in anything stays; nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from agent_memory.core.caller import Caller
from agent_memory.core.consolidating import Consolidated, consolidate
from agent_memory.ports.changes import ReplaceEntry
from agent_memory_contract.builders import adds, after, changed

from .bench import opened, told

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from agent_memory.ports.records import Entry
    from agent_memory.ports.storage import Storage

CALLER = Caller(client="test", agent="owner", tool="memory_maintain")


async def run(
    store: Storage, *, scope: str = "global", dry_run: bool = False, ceiling: str = "global"
) -> Consolidated:
    caller = msgspec.structs.replace(CALLER, ceiling=ceiling)
    return await consolidate(store, scope, caller, now=lambda: after(1000), dry_run=dry_run)


async def states(store: Storage, entries: Sequence[Entry]) -> list[str]:
    return [entry.state for entry in await store.get([entry.id for entry in entries])]


def at(seconds: float) -> datetime:
    return after(seconds)


async def test_the_newest_stays_and_the_others_are_superseded(tmp_path: Path) -> None:
    one = told("We deploy on Fridays.", at=at(1), tags=("deploy",), importance=0.9)
    two = told("we deploy on fridays", at=at(2), tags=("rule",))
    three = told("We deploy on Fridays!", at=at(3), tags=("team",), importance=0.2)
    async with opened(tmp_path / "one.db") as store:
        await store.apply(*adds(three, one, two))
        result = await run(store)
        assert (result.looked_at, result.found, result.superseded) == (3, 1, 2)
        assert result.groups[0].kept == three.id
        assert await states(store, [one, two, three]) == ["superseded", "superseded", "active"]
        [kept] = await store.get([three.id])
        assert (set(kept.tags), kept.importance, kept.content) == (
            {"deploy", "rule", "team"},
            0.9,
            three.content,
        )
        ties = {(r.source, r.target, r.type) for r in await store.relations([three.id])}
        assert ties == {(three.id, one.id, "supersedes"), (three.id, two.id, "supersedes")}
        assert [r.entry.state for r in await store.history(one.id)] == ["superseded", "active"]
        assert (await run(store)).found == 0


async def test_a_superseded_fact_can_be_brought_back(tmp_path: Path) -> None:
    one, two = told("We deploy on Fridays.", at=at(1)), told("we deploy on fridays", at=at(2))
    async with opened(tmp_path / "one.db") as store:
        await store.apply(*adds(one, two))
        await run(store)
        [former] = await store.get([one.id])
        await store.apply(ReplaceEntry(changed(former, state="active", at=at(2000)), former.version))
        assert await states(store, [one, two]) == ["active", "active"]


@pytest.mark.parametrize(
    ("other", "fields"),
    [
        ("We deploy on Mondays", {}),
        ("We do not deploy on Fridays", {}),
        ("We deploy on Fridays at 17:00", {}),
        ("They deploy on Fridays", {}),
        ("we deploy on fridays", {"scope": "acme/web"}),
        ("we deploy on fridays", {"kind": "guideline"}),
        ("we deploy on fridays", {"author": "Bob"}),
        ("we deploy on fridays", {"valid_from": at(0), "valid_until": at(5000)}),
        ("we deploy on fridays", {"occurred_at": at(-5)}),
        ("we deploy on fridays", {"title": "Release"}),
        ("we deploy on fridays", {"state": "archived"}),
        ("we deploy on fridays", {"expires_at": at(900)}),
    ],
)
async def test_what_differs_in_anything_stays(tmp_path: Path, other: str, fields: dict[str, object]) -> None:
    one = told("We deploy on Fridays", at=at(1), author="Ada", title="Deploys", occurred_at=at(-9))
    two = told(other, at=at(2), **fields)
    async with opened(tmp_path / "one.db") as store:
        await store.apply(*adds(one, two))
        before = await store.outbox_head()
        assert (await run(store)).found == 0
        assert await store.outbox_head() == before


async def test_a_dry_run_says_and_does_nothing(tmp_path: Path) -> None:
    pair = [told("We deploy on Fridays.", at=at(1)), told("we deploy on fridays", at=at(2))]
    async with opened(tmp_path / "one.db") as store:
        await store.apply(*adds(*pair))
        before = await store.outbox_head()
        tried = await run(store, dry_run=True)
        assert await store.outbox_head() == before
        assert tried == await run(store)


async def test_nothing_outside_the_scope_is_looked_at(tmp_path: Path) -> None:
    def pair(scope: str) -> list[Entry]:
        return [told("We deploy on Fridays.", scope=scope), told("we deploy on fridays", scope=scope)]

    inside, below, beside = pair("acme/web"), pair("acme/web/s1"), pair("acme")
    async with opened(tmp_path / "one.db") as store:
        await store.apply(*adds(*inside, *below, *beside))
        result = await run(store, scope="acme/web", ceiling="acme/web")
        assert (result.looked_at, result.found) == (4, 2)
        assert await states(store, beside) == ["active", "active"]
