"""The server over memory: calls as tasks, cancellation, limits, defects, winding down."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent_memory.entrypoints.mcp.application import (
    Application,
    Refused,
    ResourceNotFound,
    UnknownTool,
)
from agent_memory.entrypoints.mcp.content import CacheHint, Page, ResourceResult, TextResource, ToolResult
from agent_memory.entrypoints.mcp.identity import ServerInfo
from agent_memory.entrypoints.mcp.server import McpServer

if TYPE_CHECKING:
    from agent_memory.entrypoints.mcp.application import CallContext

ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "them", "version": "2"},
}


class Program:
    """`wait` holds until `gate` opens; `deaf` holds on even when cancelled."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.started = asyncio.Semaphore(0)
        self.cancelled: list[str] = []
        self.contexts: list[CallContext] = []

    async def list_tools(self, cursor: str | None) -> Page:
        return Page(msgspec.Raw(b"[]"), cache=CacheHint(7, "public"))

    async def call_tool(self, name: str, arguments: msgspec.Raw, context: CallContext) -> ToolResult:
        self.contexts.append(context)
        if name == "echo":
            return ToolResult("ok", arguments)
        if name == "crash":
            raise RuntimeError("inside information")
        if name == "unencodable":
            return ToolResult("ok", object())
        if name == "progress":
            context.progress(1)
            return ToolResult("ok")
        if name not in {"wait", "deaf"}:
            raise UnknownTool(name)
        self.started.release()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.append(name)
            if name == "wait":
                raise
            await self.gate.wait()
        return ToolResult("waited")

    async def list_resources(self, cursor: str | None) -> Page:
        raise Refused("params.cursor is not ours")

    async def list_resource_templates(self, cursor: str | None) -> Page:
        return Page([])

    async def read_resource(self, uri: str, context: CallContext) -> ResourceResult:
        if uri == "x://no":
            raise ResourceNotFound(uri)
        return ResourceResult([TextResource(uri=uri, text="T")], CacheHint(3))


class Wire:
    """Both ends: `send` what the client says, read what the server `wrote`, write by write."""

    def __init__(self, **options: Any) -> None:
        self.program = Program()
        self.defects: list[tuple[str, BaseException]] = []
        server = McpServer(
            Application(tools=self.program, resources=self.program),
            ServerInfo(name="s", version="1"),
            on_defect=lambda incident, error: self.defects.append((incident, error)),
            **options,
        )
        self.written: list[bytes] = []
        self.wrote = asyncio.Event()
        self.session = server.connect(self._write)

    def _write(self, data: bytes) -> None:
        self.written.append(data)
        self.wrote.set()

    def send(self, *messages: dict[str, Any]) -> None:
        self.session.receive(b"".join(json.dumps(message).encode() + b"\n" for message in messages))

    def answers(self) -> list[Any]:
        data = b"".join(self.written)
        self.written.clear()
        return [json.loads(line) for line in data.splitlines()]

    async def settled(self) -> list[Any]:
        """What was said once nothing is in flight."""
        await self.session.drain(10)
        return self.answers()


def call(identifier: object, name: str, **params: Any) -> dict[str, Any]:
    meta = ENVELOPE | params.pop("meta", {})
    return {
        "jsonrpc": "2.0",
        "id": identifier,
        "method": "tools/call",
        "params": {"name": name, "_meta": meta, **params},
    }


def cancel(identifier: object) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": identifier}}


def initialize() -> dict[str, Any]:
    params = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "old", "version": "0"},
    }
    return {"jsonrpc": "2.0", "id": "init", "method": "initialize", "params": params}


async def test_a_tool_result_has_text_and_structured_content() -> None:
    wire = Wire()
    wire.send(call(1, "echo", arguments={"a": [1]}))
    (answer,) = await wire.settled()
    result = answer["result"]
    assert result["content"] == [{"type": "text", "text": "ok"}]
    assert result["structuredContent"] == {"a": [1]}
    assert result["isError"] is False
    assert result["resultType"] == "complete"


@pytest.mark.parametrize("arguments", [{}, {"arguments": None}])
async def test_absent_arguments_are_an_empty_object(arguments: dict[str, Any]) -> None:
    wire = Wire()
    wire.send(call(1, "echo", **arguments))
    (answer,) = await wire.settled()
    assert answer["result"]["structuredContent"] == {}


@pytest.mark.parametrize("arguments", [[], "x", 5, True])
async def test_arguments_that_are_no_object_are_invalid_params(arguments: object) -> None:
    wire = Wire()
    wire.send(call(1, "echo", arguments=arguments))
    (answer,) = await wire.settled()
    assert answer["error"]["code"] == -32602
    assert "arguments" in answer["error"]["message"]


async def test_a_call_without_a_name_is_invalid_params() -> None:
    wire = Wire()
    wire.send({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"_meta": ENVELOPE}})
    (answer,) = await wire.settled()
    assert answer["error"]["code"] == -32602
    assert "name" in answer["error"]["message"]


async def test_an_unknown_tool_is_invalid_params() -> None:
    wire = Wire()
    wire.send(call(1, "nothing"))
    (answer,) = await wire.settled()
    assert answer["error"] == {"code": -32602, "message": "unknown tool: nothing"}


async def test_the_context_tells_client_revision_and_meta() -> None:
    wire = Wire()
    wire.send(call(1, "echo", meta={"trace": "t"}))
    await wire.settled()
    (context,) = wire.program.contexts
    assert (context.client.name, context.client.version, context.protocol) == ("them", "2", "2026-07-28")
    assert json.loads(bytes(context.meta))["trace"] == "t"
    assert context.report is None


async def test_the_context_of_a_handshake_connection_is_the_handshakes() -> None:
    wire = Wire()
    wire.send(initialize(), {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo"}})
    await wire.settled()
    (context,) = wire.program.contexts
    assert (context.client.name, context.protocol) == ("old", "2025-06-18")


async def test_progress_goes_out_before_the_answer() -> None:
    wire = Wire()
    wire.send(call(1, "progress", meta={"progressToken": "p"}))
    progress, answer = await wire.settled()
    assert progress["params"] == {"progressToken": "p", "progress": 1}
    assert answer["id"] == 1


async def test_lists_and_reads_say_how_long_they_may_be_kept() -> None:
    wire = Wire()
    wire.send(
        {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": ENVELOPE}},
        {
            "jsonrpc": "2.0",
            "id": 2,
            "method": "resources/read",
            "params": {"uri": "x://a", "_meta": ENVELOPE},
        },
    )
    listed, read = (answer["result"] for answer in await wire.settled())
    assert (listed["tools"], listed["ttlMs"], listed["cacheScope"]) == ([], 7, "public")
    assert (read["contents"], read["ttlMs"], read["cacheScope"]) == (
        [{"uri": "x://a", "text": "T"}],
        3,
        "private",
    )


@pytest.mark.parametrize(("stateless", "code"), [(True, -32602), (False, -32002)])
async def test_a_missing_resource_has_the_code_of_its_era(stateless: bool, code: int) -> None:
    wire = Wire()
    if not stateless:
        wire.send(initialize())
        wire.answers()
    params = {"uri": "x://no"} | ({"_meta": ENVELOPE} if stateless else {})
    wire.send({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": params})
    (answer,) = await wire.settled()
    assert answer["error"] == {
        "code": code,
        "message": "resource not found: x://no",
        "data": {"uri": "x://no"},
    }


@pytest.mark.parametrize("name", ["crash", "unencodable"])
async def test_a_defect_is_an_incident_and_says_nothing_of_the_inside(name: str) -> None:
    wire = Wire()
    wire.send(call(1, name), call(2, "echo"))
    answers = {answer["id"]: answer for answer in await wire.settled()}
    ((incident, error),) = wire.defects
    assert answers[1]["error"] == {"code": -32603, "message": f"internal error; incident {incident}"}
    assert isinstance(error, RuntimeError | TypeError)
    assert "result" in answers[2]


async def test_calls_run_side_by_side_and_a_quick_one_overtakes() -> None:
    wire = Wire()
    wire.send(call(1, "wait"))
    await wire.program.started.acquire()
    wire.send(call(2, "echo"))
    await wire.wrote.wait()
    assert [answer["id"] for answer in wire.answers()] == [2]
    wire.program.gate.set()
    assert [answer["id"] for answer in await wire.settled()] == [1]


async def test_answers_of_one_turn_go_out_in_one_write() -> None:
    wire = Wire()
    wire.send(*(call(n, "wait") for n in range(50)))
    for _ in range(50):
        await wire.program.started.acquire()
    wire.program.gate.set()
    await wire.session.drain(10)
    assert len(wire.written) == 1
    assert sorted(answer["id"] for answer in wire.answers()) == list(range(50))


async def test_past_the_bound_a_call_is_told_to_come_back() -> None:
    wire = Wire(max_in_flight=2)
    wire.send(call(1, "wait"), call(2, "wait"), call(3, "wait"))
    (busy,) = wire.answers()
    assert busy["id"] == 3
    assert busy["error"]["code"] == -32010
    assert "server busy" in busy["error"]["message"]
    assert busy["error"]["data"]["retryAfterMs"] > 0
    wire.program.gate.set()
    await wire.session.has_room()
    wire.send(call(3, "echo"))
    assert sorted(answer["id"] for answer in await wire.settled()) == [1, 2, 3]


async def test_cancelling_stops_the_call_and_nothing_is_said() -> None:
    wire = Wire()
    wire.send(call(1, "wait"))
    await wire.program.started.acquire()
    wire.send(cancel(1))
    # Well within the grace: had the client's word not been enough, the drain would cancel it, and say so.
    assert await wire.settled() == []
    assert wire.program.cancelled == ["wait"]


async def test_a_call_cancelled_before_its_first_step_leaves_nothing_behind() -> None:
    wire = Wire(max_in_flight=1)
    wire.send(call(1, "wait"), cancel(1))
    await wire.session.has_room()
    wire.send(call(1, "echo"))
    (answer,) = await wire.settled()
    assert "result" in answer


async def test_draining_lets_calls_end_and_refuses_new_ones() -> None:
    wire = Wire()
    wire.send(call(1, "wait"))
    await wire.program.started.acquire()
    drained = asyncio.create_task(wire.session.drain(10))
    await asyncio.sleep(0)
    wire.send(call(2, "echo"))
    (refused,) = wire.answers()
    assert (refused["id"], refused["error"]["code"]) == (2, -32010)
    wire.program.gate.set()
    assert await drained == 0
    assert [answer["id"] for answer in wire.answers()] == [1]


async def test_what_outlasts_the_grace_is_cancelled_and_told() -> None:
    wire = Wire()
    wire.send(call(1, "wait"))
    await wire.program.started.acquire()
    assert await wire.session.drain(0.01) == 0
    assert wire.program.cancelled == ["wait"]
    (answer,) = wire.answers()
    assert "cancelled" in answer["error"]["message"]


async def test_a_call_that_ignores_cancellation_is_left_and_counted() -> None:
    wire = Wire()
    wire.send(call(1, "deaf"))
    await wire.program.started.acquire()
    assert await wire.session.drain(0.01) == 1
    wire.program.gate.set()
    assert await wire.session.drain(1) == 0


async def test_cancel_ends_a_drain_at_once() -> None:
    wire = Wire()
    wire.send(call(1, "wait"))
    await wire.program.started.acquire()
    drained = asyncio.create_task(wire.session.drain(60))
    await asyncio.sleep(0)
    wire.session.cancel()
    assert await drained == 0
