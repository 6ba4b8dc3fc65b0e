"""No secret comes in by way of an export."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent_memory.adapters.inprocess.worker import ThreadWorker
from agent_memory.core.moving.importing import Import
from agent_memory.core.redaction.cleaning import Cleaner
from agent_memory.core.redaction.redactor import Redactor
from agent_memory.core.text import content_hash
from agent_memory.ports.changes import AddRelation, CastVote, PutSession, ReplaceEntry
from agent_memory.ports.records import Provenance
from agent_memory_contract.builders import adds, after, changed, relation, session, vote

from .bench import LATER, exported, opened, source_of, told

if TYPE_CHECKING:
    from pathlib import Path

    from agent_memory.core.moving.results import ImportResult
    from agent_memory.ports.storage import Storage

SECRET = "ghp_" + "x7Kq9ZrT2mWb4YvN8cLd" + "5HsJ1fGp6AeU3iQz"


async def cleansed(store: Storage, text: bytes) -> ImportResult:
    async with ThreadWorker(name="redaction") as worker:
        work = Import(
            store, source_of(text), form="jsonl", on_conflict="skip", ceiling="global", now=LATER,
            cleaner=Cleaner(Redactor(), worker),
        )  # fmt: skip
        return await work.run()


async def test_secrets_are_left_out_of_every_version(tmp_path: Path) -> None:
    first = told(f"push with {SECRET}", metadata={"note": SECRET}, scope="acme")
    plain = told("nothing secret here", scope="acme")
    async with opened(tmp_path / "one.db") as one, opened(tmp_path / "two.db") as two:
        await one.apply(*adds(first, plain))
        await one.apply(ReplaceEntry(changed(first, content=f"pull with {SECRET}", at=after(5)), 1))
        await one.apply(PutSession(session(summary=f"used {SECRET}")))
        await one.apply(CastVote(vote("ada", SECRET)))
        text = await exported(one)
        result = await cleansed(two, text)
        assert result.redacted >= 6
        assert (result.entries.created, result.sessions.created, result.votes.created) == (2, 1, 1)
        after_ = await exported(two)
        assert SECRET.encode() not in after_
        assert b"pull with" in after_
        [kept] = await two.get([first.id])
        assert kept.content_hash == content_hash(kept.content)
        assert await two.get([plain.id]) == [plain]
        again = await cleansed(two, text)
        assert (again.entries.skipped, again.sessions.skipped, again.votes.skipped) == (2, 1, 1)
        assert await exported(two) == after_


async def test_without_secrets_everything_stays_as_it_is(tmp_path: Path) -> None:
    async with opened(tmp_path / "one.db") as one, opened(tmp_path / "two.db") as two:
        await one.apply(*adds(*(told(f"fact {n}", tags=("a",), metadata={"n": n}) for n in range(20))))
        text = await exported(one)
        result = await cleansed(two, text)
        assert result.redacted == 0
        assert await exported(two) == text


async def test_a_secret_in_a_name_keeps_its_record_out(tmp_path: Path) -> None:
    """What is a name is no other one without its secret, and is told without it."""
    scope, plain = f"acme/{SECRET}", told("plain", scope="acme")
    within = told("in", scope=f"acme/{SECRET}")
    by = told("by", scope="acme", provenance=Provenance(agent=SECRET))
    async with opened(tmp_path / "one.db") as one, opened(tmp_path / "two.db") as two:
        await one.apply(*adds(within, by, plain))
        tie = msgspec.structs.replace(relation(plain, by), agent=SECRET)
        await one.apply(PutSession(session(f"{scope}/s")), CastVote(vote(SECRET, "yes")), AddRelation(tie))
        result = await cleansed(two, await exported(one))
        moved = (result.entries, result.relations, result.sessions, result.votes)
        assert [(each.created, each.conflicts) for each in moved] == [(1, 2), (0, 1), (0, 1), (0, 1)]
        reasons = [left.reason for left in result.conflicts]
        fields = ["scope", "provenance.agent", "agent", "scope", "agent"]
        assert [reason.split(":")[0] for reason in reasons] == fields
        assert all("github-pat" in reason for reason in reasons)
        assert SECRET not in repr(result)
        assert SECRET.encode() not in await exported(two)


async def test_a_text_that_gets_too_long_without_its_secret_stays_out(tmp_path: Path) -> None:
    """So that what was imported can be imported again."""
    secret = "hT7w2Qk9"  # shorter than what stands for it
    question = f"password={secret} " + "q" * (300 - 18)
    long = told(f"password={secret} " + "x" * (64 * 1024 - 18), scope="acme")
    async with opened(tmp_path / "one.db") as one, opened(tmp_path / "two.db") as two:
        await one.apply(*adds(long, told("plain")), CastVote(vote("ada", "yes", question=question)))
        result = await cleansed(two, await exported(one))
        assert (result.entries.created, result.entries.conflicts, result.votes.conflicts) == (1, 1, 1)
        assert [left.reason.split(":")[0] for left in result.conflicts] == ["content", "question"]
        assert (result.redacted, secret in repr(result)) == (0, False)
        assert await exported(two) == await round_trip(tmp_path, await exported(two))


async def round_trip(folder: Path, text: bytes) -> bytes:
    async with opened(folder / "three.db") as three:
        await cleansed(three, text)
        return await exported(three)
