"""No secret comes in by way of an export."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agent_memory.adapters.inprocess.worker import ThreadWorker
from agent_memory.core.moving.importing import Import
from agent_memory.core.redaction.cleaning import Cleaner
from agent_memory.core.redaction.redactor import Redactor
from agent_memory.core.text import content_hash
from agent_memory.ports.changes import CastVote, PutSession, ReplaceEntry
from agent_memory_contract.builders import adds, after, changed, session, vote

from .bench import exported, opened, source_of, told

if TYPE_CHECKING:
    from pathlib import Path

    from agent_memory.core.moving.results import ImportResult
    from agent_memory.ports.storage import Storage

SECRET = "ghp_" + "x7Kq9ZrT2mWb4YvN8cLd" + "5HsJ1fGp6AeU3iQz"


async def cleansed(store: Storage, text: bytes) -> ImportResult:
    async with ThreadWorker(name="redaction") as worker:
        work = Import(
            store, source_of(text), form="jsonl", on_conflict="skip", ceiling="global",
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
        assert msgspec.structs.replace(result, redacted=1) != result
        assert await exported(two) == text
