"""What a confused model or a hostile user may put into a call: the answer names the argument and what is allowed."""
# ruff: noqa: RUF001 (characters that look like others are part of the trial)

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from agent_memory.core import limits
from agent_memory.entrypoints.mcp.tools import TOOLS

from .clients.raw_server import raw_server

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = "00000000-0000-7000-8000-000000000000"
VALID: dict[str, dict[str, Any]] = {
    "memory_remember": {"content": "x"},
    "memory_recall": {},
    "memory_get": {"ids": [NOBODY]},
    "memory_update": {"id": NOBODY, "title": "x"},
    "memory_forget": {"filter": {"scope": "nowhere"}, "dry_run": True},
    "memory_link": {"action": "neighbors", "from": NOBODY},
    "memory_file_lock": {"action": "status", "file_path": "a"},
    "memory_context": {},
    "memory_session": {"action": "list"},
    "memory_vote": {"action": "list"},
    "memory_health": {},
    "memory_export": {},
    "memory_import": {"content": "", "dry_run": True},
    "memory_maintain": {"action": "verify"},
}
VALUES: tuple[Any, ...] = (True, 0, -1, 1.5, 10**30, "x", "", [], [1], [None], [[]], {}, {"x": 1})


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool["name"])
async def test_what_the_schema_refuses_is_refused_by_name(tool: dict[str, Any], tmp_path: Path) -> None:
    name, schema = tool["name"], tool["inputSchema"]
    validator: Any = jsonschema.Draft202012Validator(schema)
    fields = [*schema["properties"], "no_such_argument"]
    tried = 0
    async with raw_server(tmp_path) as server:
        for field in fields:
            for value in VALUES:
                wanted = {**VALID[name], field: value}
                if not validator.is_valid(wanted):
                    tried += 1
                    await server.refused(name, wanted, field, "rejected: ")
        assert await server.active() == 0
    assert tried >= len(VALUES)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool["name"])
async def test_null_is_as_good_as_left_out(tool: dict[str, Any], tmp_path: Path) -> None:
    """Models fill in every argument that they see."""
    name = tool["name"]
    async with raw_server(tmp_path) as server:
        bare = await server.call(name, VALID[name])
        for field in tool["inputSchema"]["properties"]:
            outcome = await server.call(name, {**VALID[name], field: None})
            if field in tool["inputSchema"].get("required", ()):
                assert outcome.text.startswith(f"rejected: {field} is missing"), outcome.text
            elif field not in VALID[name]:
                assert outcome.is_error == bare.is_error, (field, outcome.text)


async def test_what_is_inside_entries_is_named_by_its_position(tmp_path: Path) -> None:
    async with raw_server(tmp_path) as server:
        good = {"content": "x"}
        cases: list[tuple[Any, tuple[str, ...]]] = [
            ({"content": 1}, ("entries[1].content",)),
            ({}, ("entries[1].content", "missing")),
            ({"content": "y", "kind": "fact"}, ("entries[1].kind", "guideline")),
            ({"content": "y", "entries": []}, ("entries[1].entries", "allowed here: content, title")),
            ({"content": "y", "occurred_at": "soon"}, ("entries[1].occurred_at", "ISO 8601")),
            ({"content": "y", "scope": ".."}, ("entries[1].scope",)),
            ("y", ("entries[1]",)),
        ]
        for bad, words in cases:
            await server.refused("memory_remember", {"entries": [good, bad]}, *words)
        assert await server.active() == 0


TOO_MUCH: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("memory_remember", {"content": "x" * (limits.CONTENT_BYTES + 1)}, ("content", "65536")),
    ("memory_remember", {"content": "é" * (limits.CONTENT_BYTES // 2) + "x"}, ("content", "65536")),
    ("memory_remember", {"content": "x", "title": "x" * 301}, ("title", "300")),
    ("memory_remember", {"content": "x", "author": "x" * 201}, ("author", "200")),
    ("memory_remember", {"content": "x", "agent_id": "x" * 129}, ("agent_id", "128")),
    ("memory_remember", {"content": "x", "idempotency_key": "x" * 129}, ("idempotency_key", "128")),
    ("memory_remember", {"content": "x", "tags": [str(n) for n in range(300)]}, ("tags", "300", "32")),
    ("memory_remember", {"content": "x", "tags": ["x" * 65]}, ("tags", "64")),
    ("memory_remember", {"content": "x", "metadata": {"a": nested(16)}}, ("metadata", "16 levels")),
    ("memory_remember", {"content": "x", "metadata": {"a": nested(100)}}, ("metadata", "16 levels")),
    ("memory_remember", {"content": "x", "metadata": {"a": "x" * 16384}}, ("metadata", "16384 bytes")),
    ("memory_remember", {"content": "x", "scope": "x" * 1_000_000}, ("scope", "64")),
    ("memory_remember", {"content": "x", "occurred_at": "2" * 1_000_000}, ("occurred_at",)),
    ("memory_remember", {"content": "x", "kind": "x" * 1_000_000}, ("kind", "knowledge")),
    ("memory_remember", {"content": "x", "x" * 1_000_000: 1}, ("no such argument",)),
    ("memory_remember", {"entries": []}, ("entries", "1")),
    ("memory_remember", {"entries": [{"content": "x"}] * 257}, ("entries", "256")),
    ("memory_context", {"task": "x" * 4097}, ("task", "4096")),
    ("memory_context", {"scope": "a/" * 100_000}, ("scope", "3")),
    ("memory_session", {"action": "begin", "scope": "a/b", "purpose": "x" * 301}, ("purpose", "300")),
    ("memory_session", {"action": "begin", "scope": "a/b", "agent_id": "x" * 129}, ("agent_id", "128")),
    ("memory_session", {"action": "end", "scope": "a/b/c", "summary": "é" * 4097}, ("summary", "8192")),
    ("memory_vote", {"action": "tally", "question": "x" * 301}, ("question", "300")),
    (
        "memory_vote",
        {"action": "cast", "question": "q", "choice": "x" * 201, "agent_id": "a"},
        ("choice", "200"),
    ),
    ("memory_vote", {"action": "tally", "question": "q", "k": 101}, ("k", "100")),
    ("memory_recall", {"query": "x" * 4097}, ("query", "4096")),
    ("memory_recall", {"tags": [str(n) for n in range(33)]}, ("tags", "32")),
    ("memory_recall", {"scope": "a/" * 100_000}, ("scope", "3")),
    ("memory_get", {"ids": [NOBODY] * 257}, ("ids", "256")),
    ("memory_get", {"ids": []}, ("ids", "1")),
    ("memory_get", {"ids": ["x" * 1_000_000]}, ("ids",)),
    ("memory_forget", {"ids": ["x" * 1_000_000]}, ("ids",)),
    ("memory_update", {"id": "x" * 1_000_000, "title": "x"}, ("id",)),
    ("memory_link", {"action": "neighbors", "from": "x" * 1_000_000}, ("from",)),
    ("memory_link", {"action": "neighbors", "from": NOBODY, "depth": 6}, ("depth", "5")),
]


async def test_too_much_is_refused_with_the_limit_and_never_cut(tmp_path: Path) -> None:
    async with raw_server(tmp_path) as server:
        for tool, arguments, words in TOO_MUCH:
            await server.refused(tool, arguments, *words)
        assert await server.active() == 0


async def test_the_most_that_is_allowed_comes_back_whole(tmp_path: Path) -> None:
    content = "é" * (limits.CONTENT_BYTES // 2)
    most = {
        "content": content,
        "title": "ü" * 300,
        "author": "ü" * 200,
        "tags": [f"{n:02}" + "x" * 62 for n in range(32)],
        "metadata": {"a": nested(15), "b": "x" * 16_000},
        "scope": "/".join(["a" * 64] * 3),
    }
    async with raw_server(tmp_path) as server:
        made = (await server.done("memory_remember", most))["results"][0]
        (entry,) = (await server.done("memory_get", {"ids": [made["id"]]}))["entries"]
    shown = {**entry, "author": entry["source"]["author"]}
    assert {name: shown[name] for name in most} == most


TEXTS = [
    ("memory_remember", "content", '{"content": "a%sb"}'),
    ("memory_remember", "title", '{"content": "x", "title": "a%sb"}'),
    ("memory_remember", "author", '{"content": "x", "author": "a%sb"}'),
    ("memory_remember", "scope", '{"content": "x", "scope": "a%sb"}'),
    ("memory_remember", "tags", '{"content": "x", "tags": ["a%sb"]}'),
    ("memory_remember", "metadata", '{"content": "x", "metadata": {"k": "a%sb"}}'),
    ("memory_remember", "metadata", '{"content": "x", "metadata": {"a%sb": 1}}'),
    ("memory_remember", "agent_id", '{"content": "x", "agent_id": "a%sb"}'),
    ("memory_remember", "idempotency_key", '{"content": "x", "idempotency_key": "a%sb"}'),
    ("memory_remember", "entries[0].content", '{"entries": [{"content": "a%sb"}]}'),
    ("memory_recall", "query", '{"query": "a%sb"}'),
    ("memory_recall", "tags_any", '{"tags_any": ["a%sb"]}'),
    ("memory_update", "title", f'{{"id": "{NOBODY}", "title": "a%sb"}}'),
]


async def test_nul_is_refused_wherever_it_stands(tmp_path: Path) -> None:
    async with raw_server(tmp_path) as server:
        (made,) = (await server.done("memory_remember", {"content": "x"}))["results"]
        for tool, field, text in TEXTS:
            arguments = (text % r"\u0000").replace(NOBODY, made["id"])
            await server.refused(tool, arguments.encode(), field)
        assert (await server.done("memory_get", {"ids": ["\0"]}))["missing"] == ["\0"]
        assert await server.active() == 1


@pytest.mark.parametrize("escape", [r"\ud800", r"\udc00\ud800", r"\uD83D"])
async def test_half_a_character_is_refused_with_the_id_of_the_request_and_the_place(
    escape: str, tmp_path: Path
) -> None:
    """JavaScript sends these when text was cut inside an emoji; an answer without an id would leave it waiting."""
    async with raw_server(tmp_path) as server:
        for number, (tool, field, text) in enumerate(TEXTS):
            line = b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"%s","arguments":%s}}\n'
            answer = await server.ask(line % (number, tool.encode(), (text % escape).encode()))
            assert answer["id"] == number
            assert answer["error"]["code"] == -32602
            assert f"params.arguments.{field}" in answer["error"]["message"]
            assert "surrogate" in answer["error"]["message"]
        assert await server.active() == 0


async def test_the_syntax_of_other_languages_is_plain_text_in_a_query(tmp_path: Path) -> None:
    queries = (
        '"', '""', "'", "*", "deploy*", "NEAR(deploy friday)", "NEAR(", "AND", "deploy AND", "OR OR", "NOT deploy",
        "title:deploy", "deploy:", "-deploy", "^deploy", "(deploy", "deploy)", "{a b}: deploy", "deploy + friday",
        "'; DROP TABLE entry; --", "deploy\\", "%", "_", "\\", "\u202edeploy", "🙂", "\t\n", "\ufffe", "a" * 4096,
        " ".join(str(n) for n in range(1000)), "<script>deploy</script>", "${deploy}", "\x1b[31m deploy",
    )  # fmt: skip
    async with raw_server(tmp_path) as server:
        made = await server.done("memory_remember", {"content": "No deploy on a Friday."})
        (known,) = (one["id"] for one in made["results"])
        for query in queries:
            for mode in ("hybrid", "lexical"):
                found = (await server.done("memory_recall", {"query": query, "mode": mode}))["results"]
                # An all-blank query lists; anything else searches for its words.
                expected = [known] if "deploy" in query or query.isspace() else []
                assert [hit["id"] for hit in found] == expected, query


@pytest.mark.parametrize("field", ["content", "title", "query"])
async def test_blank_text(field: str, tmp_path: Path) -> None:
    """Refused as content, no title, and as a query the same as none."""
    async with raw_server(tmp_path) as server:
        await server.done("memory_remember", {"content": "x", "title": " "})
        for blank in ("", " ", "\n\t \u3000", "\u00a0"):
            if field == "content":
                await server.refused("memory_remember", {"content": blank}, "content is empty")
            elif field == "query":
                assert len((await server.done("memory_recall", {"query": blank}))["results"]) == 1
            else:
                await server.done("memory_remember", {"content": f"fact{blank!r}", "title": blank})


async def test_absurd_times_are_refused_and_the_ends_of_the_calendar_work(tmp_path: Path) -> None:
    absurd = (
        "", " ", "soon", "yesterdays", "0000-01-01", "2026-02-30", "2026-13-01", "10000-01-01", "-0001-01-01",
        "2026-01-01T25:00", "2026-01-01T00:60", "2026-01-01T24:00:01", "1767225600", "26", "2026-W54", "20260101",
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00+99:99", "٢٠٢٦-٠١-٠١",
        "2026-01-01T00:00:00Zjunk", "2026-01-01\n2026-01-02", "NaN", "9" * 5000,
    )  # fmt: skip
    fields = ("occurred_at", "valid_from", "valid_until", "expires_at")
    async with raw_server(tmp_path) as server:
        for text in absurd:
            for field in fields:
                await server.refused("memory_remember", {"content": "x", field: text}, field, "ISO 8601")
            for field in ("since", "until", "as_of"):
                await server.refused("memory_recall", {field: text}, field, "ISO 8601")
            for field in ("before", "after"):
                wanted = {"filter": {"scope": "x", field: text}}
                await server.refused("memory_forget", wanted, f"filter.{field}", "ISO 8601")
        first, last = "0001-01-01", "9999-12-31T23:59:59.999999Z"
        extreme = {
            "content": "x",
            "occurred_at": first,
            "valid_from": first,
            "valid_until": last,
            "expires_at": last,
        }
        (made,) = (await server.done("memory_remember", extreme))["results"]
        found = await server.done("memory_recall", {"since": first, "until": last, "as_of": "9999-12-31"})
        assert [hit["id"] for hit in found["results"]] == [made["id"]]
        assert (await server.done("memory_recall", {"as_of": first}))["results"] == []


async def test_scopes_that_are_paths_elsewhere_are_refused(tmp_path: Path) -> None:
    odd = (
        "../..", "..", ".", "a/..", "a/../b", "/etc", "a//b", "a/", "/a", "a/b/c/d", "ä", "a b", "a\\b", "C:\\x",
        "global/x", "a%2fb", "~", "*", "a/*", "' OR 1=1 --", "a\nb", "\u202ea", "a" * 65, "//",
    )  # fmt: skip
    async with raw_server(tmp_path) as server:
        for scope in odd:
            await server.refused("memory_remember", {"content": "x", "scope": scope}, "scope")
            await server.refused("memory_recall", {"scope": scope}, "scope")
            await server.refused("memory_forget", {"filter": {"scope": scope}}, "filter.scope")
        assert await server.active() == 0


async def test_numbers_out_of_range_are_refused_with_the_range(tmp_path: Path) -> None:
    calls = [
        ("memory_recall", "limit", ("0", "-1", "101", "1000000000", "1e9", "1e400", "1.5", '"10"'), ()),
        ("memory_recall", "max_tokens", ("0", "-1", "49", "100001", "1e30", "1" * 400), ()),
        ("memory_update", "expected_version", ("0", "-1", "1.5", "1e40"), ("id", "title")),
        ("memory_remember", "importance", ("-0.1", "1.1", "1e999", "-1e999", "true", '"high"'), ("content",)),
        ("memory_link", "limit", ("0", "-1", "201", "1e9"), ("from", "action")),
    ]
    others = {"id": NOBODY, "title": "x", "content": "x", "from": NOBODY, "action": "neighbors"}
    async with raw_server(tmp_path) as server:
        for tool, field, values, beside in calls:
            rest = "".join(f", {json.dumps(name)}: {json.dumps(others[name])}" for name in beside)
            for value in values:
                await server.refused(tool, f'{{"{field}": {value}{rest}}}'.encode(), field, "rejected: ")
        for value in ("NaN", "Infinity", "-Infinity"):
            line = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"importance":%s}}\n'
            assert (await server.ask(line % value.encode()))["error"]["code"] == -32700
        assert await server.active() == 0


async def test_versions_that_were_never_made_are_conflicts_that_show_the_current_one(tmp_path: Path) -> None:
    async with raw_server(tmp_path) as server:
        (made,) = (await server.done("memory_remember", {"content": "as it was"}))["results"]
        for version in (2, 2**31, 2**53 - 1):
            wanted = {"id": made["id"], "expected_version": version, "content": "mine"}
            await server.refused("memory_update", wanted, "conflict: ", "version 1", "as it was")
        for version in (2**53, 2**63, 2**64, 10**40):
            wanted = {"id": made["id"], "expected_version": version, "content": "mine"}
            await server.refused("memory_update", wanted, "rejected: ", "expected_version", str(2**53 - 1))
        (entry,) = (await server.done("memory_get", {"ids": [made["id"]]}))["entries"]
    assert (entry["content"], entry["version"]) == ("as it was", 1)
