"""What is no whole export is refused before anything of it is written, and says why."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from agent_memory.core.moving.records import LINE_BYTES, End, Tally, decode_record, encode
from agent_memory.core.requests_moving import FORMATS, Format
from agent_memory.ports.errors import Rejected
from agent_memory.ports.queries import Sweep
from agent_memory.ports.scopes import ScopeFilter
from agent_memory_contract.builders import after, new_id

from .bench import exported, fill, imported, opened

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agent_memory.ports.storage import Storage


async def is_empty(store: Storage) -> bool:
    everything = Sweep(where=ScopeFilter(descendants=True))
    return not (await store.sweep_versions(everything)).items and await store.outbox_head() == 0


async def refused(folder: Path, text: bytes, form: Format = "jsonl", **given: Any) -> str:
    async with opened(folder / "target.db") as store:
        with pytest.raises(Rejected) as caught:
            await imported(store, text, form, **given)
        assert await is_empty(store)
        assert caught.value.field
        return str(caught.value)


async def sample(folder: Path, form: Format = "jsonl") -> bytes:
    async with opened(folder / "source.db") as store:
        await fill(store)
        return await exported(store, form)


def with_lines(text: bytes, change: Callable[[list[dict[str, Any]]], None]) -> bytes:
    """An export whose records were changed, with counts and digest that fit them."""
    head, *records, _ = [json.loads(line) for line in text.splitlines()]
    change(records)
    tally, lines = Tally(), [encode(head)]
    for record in records:
        line = json.dumps(record).encode()
        try:
            known = decode_record(line)
        except Exception:  # noqa: BLE001 - it is to be refused for that very reason
            lines.append(line)
            continue
        tally.add(known, encode(known))
        lines.append(line)
    return b"\n".join([*lines, encode(tally.end)])


@pytest.mark.parametrize("form", FORMATS)
async def test_a_text_that_was_cut_is_refused(tmp_path: Path, form: Format) -> None:
    text = await sample(tmp_path, form)
    whole = text.rstrip()
    for size in (0, 1, len(whole) // 3, len(whole) // 2, len(whole) - 1):
        assert await refused(tmp_path, whole[:size], form)


async def test_a_line_less_or_more_is_refused(tmp_path: Path) -> None:
    lines = (await sample(tmp_path)).splitlines(keepends=True)
    for number in range(1, len(lines) - 1):
        assert await refused(tmp_path, b"".join(lines[:number] + lines[number + 1 :]))
        assert await refused(tmp_path, b"".join([*lines[: number + 1], *lines[number:]]))
    assert "follow the end" in await refused(tmp_path, b"".join([*lines, lines[1]]))


@pytest.mark.parametrize("form", FORMATS)
async def test_a_character_changed_is_refused(tmp_path: Path, form: Format) -> None:
    text = await sample(tmp_path, form)
    assert "they were altered" in await refused(tmp_path, text.replace(b"Fridays", b"Sundays"), form)
    assert "digest" in await refused(tmp_path, re.sub(rb"sha256:..", b"sha256:00", text), form)
    assert "it says" in await refused(tmp_path, text.replace(b'"entries":3', b'"entries":4'), form)
    assert "reads version 1" in await refused(
        tmp_path, text.replace(b'"version":1,"scope":"global"', b'"version":9,"scope":"global"'), form
    )
    assert "format" in await refused(
        tmp_path, text.replace(b'"format":"agent-memory"', b'"format":"other"'), form
    )


async def test_ids_that_come_twice_are_refused(tmp_path: Path) -> None:
    text = await sample(tmp_path)

    def double(records: list[dict[str, Any]]) -> None:
        last = max(n for n, record in enumerate(records) if record["record"] == "entry")
        records[last - 1 : last - 1] = records[0:2]

    def swap(records: list[dict[str, Any]]) -> None:
        records[0:3] = [records[2], *records[0:2]]

    for change in (double, swap):
        assert "twice, or out of order" in await refused(tmp_path, with_lines(text, change))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("id", "../../etc/passwd", "no UUIDv7"),
        ("id", "01941F29-7C03-7003-8000-000000000003", "no UUIDv7"),
        ("scope", "a/b/c/d", "segments"),
        ("scope", "acme/../other", "not allowed"),
        ("scope", "/", "write it"),
        ("content", "", "empty"),
        ("content", "x" * 65_537, "too long"),
        ("content", "nul\0", "NUL"),
        ("title", "two\nlines", "line break"),
        ("tags", ["a"] * 1 + [f"t{n}" for n in range(40)], "tags"),
        ("kind", "zap", "kind"),
        ("state", "gone", "state"),
        ("version", 0, "version"),
        ("version", 7, "at version 7"),
        ("importance", 7, "importance"),
        ("created_at", "2025-01-01T00:00:00", "created_at"),
        ("created_at", "yesterday", "created_at"),
        ("created_at", "0001-01-01T00:00:00+14:00", "created_at"),
        ("metadata", {"a": "x" * 17_000}, "metadata"),
        ("zap", 1, "zap"),
    ],
)
async def test_a_record_that_no_store_would_hold_is_refused(
    tmp_path: Path, field: str, value: object, said: str
) -> None:
    def spoil(records: list[dict[str, Any]]) -> None:
        for record in records:
            if record["record"] == "entry" and record.get("until") is None and record["version"] == 1:
                record[field] = value
                return

    assert said in await refused(tmp_path, with_lines(await sample(tmp_path), spoil))


async def test_a_history_with_a_gap_is_refused(tmp_path: Path) -> None:
    def first_goes(records: list[dict[str, Any]]) -> None:
        del records[0]

    def last_goes(records: list[dict[str, Any]]) -> None:
        del records[1]

    text = await sample(tmp_path)
    assert "came before it" in await refused(tmp_path, with_lines(text, first_goes))
    assert "no current version" in await refused(tmp_path, with_lines(text, last_goes))


async def test_lines_and_values_have_their_bounds(tmp_path: Path) -> None:
    long = b"x" * (LINE_BYTES + 1)
    assert "longer than" in await refused(tmp_path, long, size=100_000)
    assert "longer than" in await refused(tmp_path, b"<!-- agent-memory " + long, "markdown", size=100_000)
    assert "more than" in await refused(tmp_path, b'{"entries":[{"a":"' + long, "json", size=100_000)
    assert "more than" in await refused(tmp_path, b'{"' + long, "json", size=100_000)
    assert "more than" in await refused(
        tmp_path, b'{"version":' + b"1" * (LINE_BYTES + 1), "json", size=100_000
    )


async def test_deep_json_is_refused(tmp_path: Path) -> None:
    deep = b"[" * 100_000
    assert "nested" in await refused(tmp_path, b'{"entries":[' + deep, "json")
    head = (await sample(tmp_path)).splitlines()[0]
    entry = b'{"record":"entry","metadata":{"a":' + deep + b"]" * 100_000 + b"}}"
    assert "line 2" in await refused(tmp_path, head + b"\n" + entry)


@pytest.mark.parametrize(
    "text",
    [
        b"", b"[]", b"null", b"{}", b'{"entries":[]}', b'{"entries":{}}', b'{"a":1}', b'{"entries":[1]}', b"{", b'{"',
        b"\xff\xfe",
        b'{"entries":[],"entries":[]}', b'{"format":"agent-memory","format":"agent-memory"}', b'{"entries":[]} {}',
        b'{"entries":[,]}', b'{"entries" []}', b"{,}", b'{"format":,}', b'{"relations":[{"record":"vote"}]}',
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", FORMATS)
async def test_what_is_no_export_is_refused(tmp_path: Path, form: Format, text: bytes) -> None:
    assert await refused(tmp_path, text, form)


async def test_json_may_be_written_in_another_way(tmp_path: Path) -> None:
    """Indented, its members elsewhere: the digest is that of the records."""
    text = json.loads(await sample(tmp_path, "json"))
    turned = {name: text[name] for name in ("digest", "counts", "entries", "format", "relations", "scope")}
    turned |= {name: text[name] for name in ("sessions", "version", "votes")}
    async with opened(tmp_path / "target.db") as store:
        for size in (1, 7, 100_000):
            result = await imported(store, json.dumps(turned, indent=3).encode(), "json", size=size)
        assert result.entries.skipped == 3


async def test_nothing_beyond_the_ceiling_is_written(tmp_path: Path) -> None:
    text = await sample(tmp_path)
    said = await refused(tmp_path, text, ceiling="acme/web")
    assert "limited to 'acme/web'" in said


TOMORROW = (
    ("entry", "created_at"), ("entry", "updated_at"), ("session", "began_at"), ("session", "ended_at"),
    ("session", "last_active_at"), ("vote", "cast_at"), ("relation", "created_at"),
)  # fmt: skip


@pytest.mark.parametrize(("kind", "field"), TOMORROW)
async def test_nothing_has_been_in_the_future(tmp_path: Path, kind: str, field: str) -> None:
    def later(records: list[dict[str, Any]]) -> None:
        next(each for each in records if each["record"] == kind)[field] = "2999-01-01T00:00:00Z"

    told_ = await refused(tmp_path, with_lines(await sample(tmp_path), later), now=after(10**6))
    assert kind in told_
    assert f"{field}: 2999-01-01" in told_
    assert "is in the future" in told_


@pytest.mark.parametrize(
    ("kind", "field", "text"),
    [
        ("vote", "question", "q" * 301),
        ("vote", "question", "two  blanks"),
        ("vote", "question", "two\nlines"),
        ("vote", "choice", "c" * 201),
        ("vote", "choice", " "),
        ("session", "purpose", "p" * 301),
        ("session", "summary", "s" * (8 * 1024 + 1)),
        ("session", "scope", "acme/web"),
        ("session", "scope", "global"),
    ],
)
async def test_what_no_call_takes_no_import_brings(tmp_path: Path, kind: str, field: str, text: str) -> None:
    def other(records: list[dict[str, Any]]) -> None:
        next(each for each in records if each["record"] == kind)[field] = text

    told_ = await refused(tmp_path, with_lines(await sample(tmp_path), other))
    assert told_.startswith(kind)
    assert f"{field}" in told_


async def test_a_relation_to_nothing_is_told(tmp_path: Path) -> None:
    def stray(records: list[dict[str, Any]]) -> None:
        for record in records:
            if record["record"] == "relation":
                record["to"] = new_id()

    text = with_lines(await sample(tmp_path), stray)
    async with opened(tmp_path / "target.db") as store:
        result = await imported(store, text)
        assert (result.relations.conflicts, result.entries.created) == (1, 3)
        assert "is not here" in result.conflicts[0].reason


def test_the_end_says_what_it_is() -> None:
    assert encode(Tally().end) == (
        b'{"record":"end","counts":{"entries":0,"revisions":0,"relations":0,"sessions":0,"votes":0},'
        b'"digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}'
    )
    assert isinstance(Tally().end, End)
