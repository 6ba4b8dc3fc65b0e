"""Imports below a ceiling: what they do and say follows from nothing that their caller cannot see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent_memory.core.ids import is_id
from agent_memory.core.moving.naming import own_id
from agent_memory.ports.changes import AddRelation, CastVote, PutSession, RemoveEntries, ReplaceEntry
from agent_memory.ports.errors import Conflict
from agent_memory_contract.builders import adds, after, changed, new_id, relation, session, vote

from .bench import exported, imported, opened, told

if TYPE_CHECKING:
    from pathlib import Path

    from agent_memory.core.moving.results import ImportResult
    from agent_memory.ports.storage import Storage


async def ours(store: Storage, **ids: str) -> None:
    """Two entries with a history, tied, and a session; with ids that may be others'."""
    one = told("one", scope="acme/web", **({"id": ids["one"]} if "one" in ids else {}))
    two = told("two", scope="acme")
    await store.apply(*adds(one, two))
    await store.apply(ReplaceEntry(changed(one, content="one and a half", at=after(5)), 1))
    await store.apply(AddRelation(relation(one, two, "depends_on", 6)), AddRelation(relation(two, one)))
    work = session("acme/web/s1", ended=9, summary="done")
    await store.apply(PutSession(msgspec.structs.replace(work, id=ids.get("work", work.id))))


async def under(store: Storage, text: bytes, **given: Any) -> ImportResult:
    return await imported(store, text, ceiling="acme", **given)


@pytest.mark.parametrize("policy", ["skip", "update", "fail"])
async def test_an_id_that_is_taken_elsewhere_is_as_any_other(tmp_path: Path, policy: str) -> None:
    """The same answer, the same memory below the ceiling, and nothing of the others' changed."""
    hidden, strange = told("a secret of others", scope="other"), session("other/p/s")
    async with (
        opened(tmp_path / "one.db") as one,
        opened(tmp_path / "free.db") as free,
        opened(tmp_path / "taken.db") as taken,
    ):
        await ours(one, one=hidden.id, work=strange.id)
        text = await exported(one)
        await taken.apply(*adds(hidden), PutSession(strange))
        before = await exported(taken, scope="other")
        for _ in range(2):
            for dry_run in (True, False):
                assert await under(free, text, on_conflict=policy, dry_run=dry_run) == await under(
                    taken, text, on_conflict=policy, dry_run=dry_run
                )
        below = await exported(taken, scope="acme", ceiling="acme")
        assert below == await exported(free, scope="acme", ceiling="acme")
        assert hidden.id.encode() not in below
        assert strange.id.encode() not in below
        assert await exported(taken, scope="other") == before
        assert await taken.verify() == []


async def test_everything_comes_in_and_is_found_again(tmp_path: Path) -> None:
    async with opened(tmp_path / "one.db") as one, opened(tmp_path / "two.db") as two:
        await ours(one)
        text = await exported(one)
        first = await under(two, text)
        assert (first.entries.created, first.relations.created, first.sessions.created) == (2, 2, 1)
        assert (first.new_ids, first.conflicts) == (3, ())
        head = await two.outbox_head()
        again = await under(two, text, on_conflict="update")
        assert (again.entries.skipped, again.relations.skipped, again.sessions.skipped) == (2, 2, 1)
        assert (again.new_ids, await two.outbox_head()) == (0, head)


async def test_what_stands_in_sight_keeps_its_id(tmp_path: Path) -> None:
    """And what is put back after it was purged is tied to what still stands."""
    async with opened(tmp_path / "one.db") as one:
        await ours(one)
        text = await exported(one)
        assert (await under(one, text)).entries.skipped == 2
        assert await exported(one) == text
        [gone] = [each for each in await one.get(ids_of(text)) if each.content == "two"]
        await one.apply(RemoveEntries((gone.id,), at=after(9), purge=True))
        result = await under(one, text)
        assert (result.entries.skipped, result.entries.created, result.relations.created) == (1, 1, 2)
        [back] = await one.get([own_id(gone.id, "acme")])
        assert (back.content, back.created_at) == ("two", gone.created_at)


def ids_of(text: bytes) -> list[str]:
    import json  # noqa: PLC0415 - here only

    records = [json.loads(line) for line in text.splitlines()]
    return list(dict.fromkeys(each["id"] for each in records if each["record"] == "entry"))


async def test_who_sees_everything_moves_every_id_as_it_is(tmp_path: Path) -> None:
    async with opened(tmp_path / "one.db") as one, opened(tmp_path / "two.db") as two:
        await ours(one)
        text = await exported(one)
        assert (await imported(two, text)).new_ids == 0
        assert await exported(two) == text


def test_an_own_id_is_an_id_of_the_same_millisecond_and_another_under_each_ceiling() -> None:
    given = new_id()
    names = {own_id(given, ceiling) for ceiling in ("acme", "acme/web", "other")}
    assert len(names) == 3
    assert given not in names
    for name in names:
        assert is_id(name)
        assert (name[:13], name[14]) == (given[:13], "7")
        assert name[19] in "89ab"
    assert own_id(given, "acme") == own_id(given, "acme")


async def test_ballots_that_nobody_vouches_for_are_left_out(tmp_path: Path) -> None:
    async with opened(tmp_path / "one.db") as one, opened(tmp_path / "two.db") as two:
        standing, others = vote("ada", "yes", scope="acme"), vote("bob", "no", scope="acme")
        await one.apply(CastVote(standing), CastVote(others))
        await two.apply(CastVote(standing))
        text = await exported(one)
        for dry_run in (True, False):
            result = await under(two, text, ballots=False, dry_run=dry_run)
            assert (result.votes.skipped, result.votes.created, result.votes.conflicts) == (1, 0, 1)
            assert "admin key" in result.conflicts[0].reason
        assert await two.votes("acme", others.question) == [standing]
        with pytest.raises(Conflict, match="admin key"):
            await under(two, text, ballots=False, on_conflict="fail")
        assert (await under(two, text)).votes.created == 1
