"""Every tool and resource, through the official SDK as client and the command as its users start it.

The SDK checks each answer against the wire types of its revision, and structured content against the output schema.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from mcp import MCPError, StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client
from mcp_types import TextContent, TextResourceContents

from agent_memory.entrypoints.mcp.tools import TOOLS

from .clients.live_server import ADMIN_KEY, COMMAND, server_environment
from .clients.walkthrough import TOOL_NAMES, Outcome, walk_through

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MODES = pytest.mark.parametrize("mode", ["auto", "legacy", "2026-07-28"])


def connect(folder: Path, mode: str = "auto", **settings: str) -> Client:
    environment = server_environment(folder, **settings)
    server = StdioServerParameters(command=COMMAND[0], args=list(COMMAND[1:]), env=environment)
    return Client(stdio_client(server), mode=mode)


class SdkClient:
    """Keeps what was sent, so that a test can see what was not."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.sent: dict[str, set[str]] = defaultdict(set)

    async def list_tools(self) -> list[str]:
        return [tool.name for tool in (await self.client.list_tools()).tools]

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Outcome:
        self.sent[name] |= _names(arguments)
        result = await self.client.call_tool(name, dict(arguments))
        (content,) = result.content
        assert isinstance(content, TextContent)
        assert result.is_error or result.structured_content is not None
        return Outcome(content.text, result.is_error, result.structured_content)


def _names(arguments: Mapping[str, Any]) -> set[str]:
    nested = arguments.get("filter", {})
    return {*arguments, *(f"filter.{name}" for name in nested)}


def _offered(schema: Mapping[str, Any]) -> set[str]:
    properties: dict[str, Any] = schema["properties"]
    nested = properties.get("filter", {}).get("properties", {})
    return {*properties, *(f"filter.{name}" for name in nested)}


@MODES
async def test_every_tool_works_with_every_argument(mode: str, tmp_path: Path) -> None:
    async with connect(tmp_path, mode, ADMIN_KEY=ADMIN_KEY) as connected:
        client = SdkClient(connected)
        await walk_through(client)
        tools = (await connected.list_tools()).tools
    assert [tool.name for tool in tools] == [tool["name"] for tool in TOOLS]
    taken = {tool["name"]: _offered(tool["inputSchema"]) for tool in TOOLS}
    assert taken == client.sent | {"memory_health": set()}
    for tool in tools:
        assert set(tool.input_schema["properties"]) <= taken[tool.name]


@MODES
async def test_the_newest_revision_that_both_speak_is_agreed(mode: str, tmp_path: Path) -> None:
    async with connect(tmp_path, mode) as connected:
        assert connected.protocol_version == ("2025-11-25" if mode == "legacy" else "2026-07-28")
        if mode != "2026-07-28":  # a client that pins a revision asks for nothing
            assert connected.server_capabilities.tools is not None
            assert connected.server_capabilities.resources is not None


async def test_schemas_are_valid_and_the_list_is_small(tmp_path: Path) -> None:
    async with connect(tmp_path) as connected:
        tools = (await connected.list_tools()).tools
    for tool in tools:
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        assert tool.output_schema is not None
        jsonschema.Draft202012Validator.check_schema(tool.output_schema)
        assert tool.title
        assert tool.description
        hints = tool.annotations
        assert hints is not None
        given = (hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint, hints.open_world_hint)
        assert None not in given
    shown = [tool.model_dump(by_alias=True, exclude_none=True) for tool in tools]
    assert len(json.dumps(shown, separators=(",", ":"))) <= 8 * 1024


BAD_CALLS: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("memory_remember", {}, ("content",)),
    ("memory_remember", {"content": ""}, ("content", "empty")),
    ("memory_remember", {"content": "x", "kind": "fact"}, ("kind", "knowledge")),
    ("memory_remember", {"content": "x", "tags": "a"}, ("tags", "array")),
    ("memory_remember", {"entries": [{"content": "x"}, {"content": " "}]}, ("entries[1].content",)),
    ("memory_recall", {"limit": 0}, ("limit", "1")),
    ("memory_recall", {"since": "the other day"}, ("since", "ISO 8601")),
    ("memory_recall", {"colour": "red"}, ("colour", "query")),
    ("memory_get", {}, ("ids", "missing")),
    ("memory_update", {"id": "x"}, ("content", "state")),
    ("memory_forget", {}, ("ids", "filter")),
    ("memory_forget", {"filter": {}}, ("filter.scope", "missing")),
    ("memory_link", {"action": "marry", "from": "x"}, ("action", "neighbors")),
    ("memory_file_lock", {"action": "steal"}, ("action", "force_unlock")),
    ("memory_file_lock", {"action": "checkout"}, ("file_path", "missing")),
    ("memory_file_lock", {"action": "checkin", "file_path": "a"}, ("token", "missing")),
    ("memory_file_lock", {"action": "checkout", "file_path": "../a"}, ("file_path", "climbs out")),
    ("memory_file_lock", {"action": "checkout", "file_path": "a", "ttl_seconds": 0.5}, ("ttl_seconds", "1")),
    (
        "memory_file_lock",
        {"action": "checkout", "file_path": "a", "ttl_seconds": 86401},
        ("ttl_seconds", "86400"),
    ),
    ("memory_file_lock", {"action": "force_unlock", "file_path": "a"}, ("reason", "missing")),
    ("memory_export", {"name": "../up"}, ("name", "base name")),
    ("memory_export", {"name": "x", "format": "xml"}, ("format", "markdown")),
    ("memory_export", {"scope": "a/../b"}, ("scope",)),
    ("memory_import", {}, ("content", "name")),
    ("memory_import", {"content": "{}", "format": "xml"}, ("format",)),
    ("memory_maintain", {}, ("action", "missing")),
    ("memory_maintain", {"action": "explode"}, ("action", "consolidate")),
    ("memory_maintain", {"action": "verify", "scope": "acme"}, ("scope", "consolidate")),
    ("memory_session", {"action": "pause"}, ("action", "begin")),
    ("memory_session", {"action": "begin", "scope": "acme"}, ("scope", "org/project")),
    ("memory_session", {"action": "list", "limit": 101}, ("limit", "100")),
    ("memory_vote", {"action": "cast", "question": "q?", "choice": "a"}, ("agent_id", "missing")),
    ("memory_vote", {"action": "tally"}, ("question", "missing")),
    ("memory_context", {"max_tokens": 199}, ("max_tokens", "200")),
    ("memory_context", {"query": "x"}, ("query", "task")),
    ("memory_health", {"deep": True}, ("deep", "no such argument")),
]


@MODES
async def test_a_bad_argument_is_a_tool_error_that_names_it(mode: str, tmp_path: Path) -> None:
    async with connect(tmp_path, mode) as connected:
        for name, arguments, words in BAD_CALLS:
            outcome = await SdkClient(connected).call(name, arguments)
            assert outcome.is_error, (name, arguments)
            assert all(word in outcome.text for word in words), (name, arguments, outcome.text)
            assert outcome.structured is not None
            assert outcome.structured["error"] == "rejected", (name, arguments)
            assert f"rejected: {outcome.structured['message']}" == outcome.text


@MODES
async def test_an_unknown_tool_is_a_protocol_error(mode: str, tmp_path: Path) -> None:
    async with connect(tmp_path, mode) as connected:
        with pytest.raises(MCPError) as refused:
            await connected.call_tool("memory_dream", {})
    assert refused.value.error.code == -32602
    assert "memory_dream" in refused.value.error.message


@MODES
async def test_ping_is_answered_where_the_revision_has_it(mode: str, tmp_path: Path) -> None:
    async with connect(tmp_path, mode) as connected:
        if mode == "legacy":
            await connected.session.send_ping()
        else:
            with pytest.raises(MCPError):
                await connected.session.send_ping()


@MODES
async def test_resources_show_entries_scopes_and_figures(mode: str, tmp_path: Path) -> None:
    async with connect(tmp_path, mode) as connected:
        stored = await connected.call_tool("memory_remember", {"content": "Ünïcode", "scope": "acme/web"})
        assert stored.structured_content is not None
        entry_id: str = stored.structured_content["results"][0]["id"]
        templates = await connected.list_resource_templates()
        entry = await _read(connected, f"memory://entry/{entry_id}")
        scope = await _read(connected, "memory://scope/acme/web/s1")
        stats = await _read(connected, "memory://stats")
    assert [template.uri_template for template in templates.resource_templates] == [
        "memory://entry/{id}",
        "memory://scope/{+scope}",
        "memory://tag/{tag}",
    ]
    assert entry["content"] == "Ünïcode"
    assert scope["results"][0]["id"] == entry_id
    assert stats["entries"]["active"] == 1


async def _read(connected: Client, uri: str) -> dict[str, Any]:
    (content,) = (await connected.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    assert content.mime_type == "application/json"
    decoded: dict[str, Any] = json.loads(content.text)
    return decoded


@MODES
@pytest.mark.parametrize(
    "uri", ["memory://entry/00000000-0000-7000-8000-000000000000", "memory://nothing", "file:///etc/passwd"]
)
async def test_a_resource_that_is_not_there_is_an_error(mode: str, uri: str, tmp_path: Path) -> None:
    async with connect(tmp_path, mode) as connected:
        with pytest.raises(MCPError) as refused:
            await connected.read_resource(uri)
    assert refused.value.error.code == (-32002 if mode == "legacy" else -32602)
    assert uri in refused.value.error.message


@MODES
async def test_the_resource_list_pages_through_every_entry_once(mode: str, tmp_path: Path) -> None:
    async with connect(tmp_path, mode) as connected:
        await connected.call_tool(
            "memory_remember", {"entries": [{"content": f"fact {number}"} for number in range(120)]}
        )
        uris: list[str] = []
        page = await connected.list_resources()
        uris += [str(resource.uri) for resource in page.resources]
        while page.next_cursor is not None:
            page = await connected.list_resources(cursor=page.next_cursor)
            uris += [str(resource.uri) for resource in page.resources]
    assert uris[:2] == ["memory://stats", "memory://recent"]
    assert len(uris) == len(set(uris)) == 122


@MODES
async def test_a_cursor_that_is_not_ours_is_refused(mode: str, tmp_path: Path) -> None:
    async with connect(tmp_path, mode) as connected:
        for listing in (connected.list_resources, connected.list_tools, connected.list_resource_templates):
            with pytest.raises(MCPError) as refused:
                await listing(cursor="made up")
            assert refused.value.error.code == -32602
            assert "cursor" in refused.value.error.message


@MODES
async def test_a_call_given_up_at_any_moment_leaves_all_of_it_or_none(mode: str, tmp_path: Path) -> None:
    entries = [{"content": f"fact {number}", "tags": ["batch"]} for number in range(200)]
    async with connect(tmp_path, mode) as connected:
        for turns in range(6):
            wanted = {"entries": entries, "scope": f"acme/try-{turns}"}
            call = asyncio.create_task(connected.call_tool("memory_remember", wanted))
            for _ in range(turns * 3):
                await asyncio.sleep(0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
        counts: list[int] = []
        for turns in range(6):
            wanted = {"filter": {"scope": f"acme/try-{turns}"}, "dry_run": True}
            counted = (await connected.call_tool("memory_forget", wanted)).structured_content
            assert counted is not None
            counts.append(counted["forgotten"])
    assert set(counts) <= {0, 200}


async def test_two_clients_on_one_file_see_each_other_at_once(tmp_path: Path) -> None:
    async with connect(tmp_path) as one, connect(tmp_path) as other:
        await one.call_tool("memory_remember", {"content": "The build server is called Hal."})
        found = await SdkClient(other).call("memory_recall", {"query": "build server name"})
    assert "Hal" in found.text


@MODES
async def test_what_says_the_same_is_named_and_kept(mode: str, tmp_path: Path) -> None:
    async with connect(tmp_path, mode) as connected:
        client = SdkClient(connected)
        said = {"content": "The deploy of orders succeeded.", "idempotency_key": "one"}
        first = await client.call("memory_remember", said)
        (standing,) = (first.structured or {})["results"]
        assert "similar" not in standing  # nothing is loaded yet
        other = await _remembered(client, "The deploy of orders failed.")
        near = await _remembered(client, "the deploy of the orders succeeded")
        again = await client.call("memory_remember", said)
        found = await client.call("memory_recall", {"query": "deploy"})
    assert (other.structured or {})["results"][0]["similar"] == []
    (alike,) = (near.structured or {})["results"][0]["similar"]
    assert (alike["id"], alike["title"]) == (standing["id"], "The deploy of orders succeeded.")
    assert f"similar: {standing['id']} (The deploy of orders succeeded.)" in near.text
    assert again.structured == {"results": [{**standing, "duplicate": False}], "replayed": True}
    assert len((found.structured or {})["results"]) == 3


async def _remembered(client: SdkClient, content: str) -> Outcome:
    """Until similar entries were looked for: a busy machine may take longer than a write waits."""
    for _ in range(50):
        await client.call("memory_recall", {"query": "deploy"})
        outcome = await client.call("memory_remember", {"content": content})
        (one,) = (outcome.structured or {})["results"]
        if "similar" in one:
            return outcome
        await client.call("memory_forget", {"ids": [one["id"]]})
    raise AssertionError("never looked")


async def test_the_tools_are_the_ones_that_are_documented(tmp_path: Path) -> None:
    async with connect(tmp_path) as connected:
        assert await SdkClient(connected).list_tools() == TOOL_NAMES
