"""Which call a line of the log belongs to, and which trace."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent_memory.entrypoints.logs import Log, LogFormat, make_log
from agent_memory.entrypoints.mcp.application import Application
from agent_memory.entrypoints.mcp.identity import ServerInfo
from agent_memory.entrypoints.mcp.server import McpServer
from agent_memory.entrypoints.observability.current import begin_call, call_facts, current_call, trace_parent
from agent_memory.entrypoints.settings import read_settings

if TYPE_CHECKING:
    from agent_memory.entrypoints.mcp.application import CallContext
    from agent_memory.entrypoints.mcp.content import Page, ToolResult

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def meta(**said: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(said))


def test_a_traceparent_is_read_with_its_state() -> None:
    found = trace_parent(meta(traceparent=f"00-{TRACE}-{SPAN}-01", tracestate="a=1", progressToken=7))
    assert found is not None
    assert (found.trace, found.span, found.sampled, found.state) == (TRACE, SPAN, True, "a=1")


def test_flags_of_which_only_one_is_known() -> None:
    for flags, sampled in (("00", False), ("02", False), ("03", True), ("ff", True)):
        found = trace_parent(meta(traceparent=f"00-{TRACE}-{SPAN}-{flags}"))
        assert found is not None
        assert found.sampled is sampled


def test_a_later_version_may_say_more() -> None:
    found = trace_parent(meta(traceparent=f"01-{TRACE}-{SPAN}-01-what-ever"))
    assert found is not None
    assert found.trace == TRACE


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "00",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE[1:]}x-{SPAN}-01",
        f" 00-{TRACE}-{SPAN}-01",
        f"00-{TRACE[:-1]}٣-{SPAN}-01",
        7,
        None,
        ["00"],
    ],
)
def test_what_w3c_does_not_allow_is_ignored(wrong: object) -> None:
    assert trace_parent(meta(traceparent=wrong)) is None


@pytest.mark.parametrize("broken", [b"", b"[]", b"7", b'{"traceparent"', b"\xff"])
def test_meta_that_is_none_says_nothing(broken: bytes) -> None:
    assert trace_parent(msgspec.Raw(broken)) is None


async def test_calls_side_by_side_have_facts_of_their_own_until_they_end() -> None:
    assert call_facts() == {}

    async def called(trace: str) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
        call = begin_call(meta(traceparent=f"00-{trace}-{SPAN}-01"))
        first = call_facts()
        await asyncio.sleep(0)
        later = call_facts()
        call.end()
        return first, later, call_facts()

    traces = [f"{number:032x}" for number in (1, 2, 3)]
    seen = await asyncio.gather(*(called(trace) for trace in traces))
    assert [first["trace"] for first, _, _ in seen] == traces
    assert all(first == later and after == {} for first, later, after in seen)
    assert len({first["request"] for first, _, _ in seen}) == 3
    assert call_facts() == {}


async def test_a_task_that_outlives_its_call_is_no_longer_part_of_it() -> None:
    go_on = asyncio.Event()

    async def lasting() -> tuple[bool, bool]:
        within = current_call() is not None
        await go_on.wait()
        return within, current_call() is not None

    async def called() -> asyncio.Task[tuple[bool, bool]]:
        call = begin_call(meta())
        task = asyncio.create_task(lasting())
        await asyncio.sleep(0)
        call.end()
        return task

    task = await asyncio.create_task(called())
    go_on.set()
    assert await task == (True, False)


def lines(log: Log, monkeypatch: pytest.MonkeyPatch, *events: str, **facts: object) -> list[str]:
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    for event in events:
        log.info(event, **facts)
    return stderr.getvalue().splitlines()


async def test_a_line_of_a_call_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    call = begin_call(meta(traceparent=f"00-{TRACE}-{SPAN}-01"))
    [line] = lines(Log("info"), monkeypatch, "it happened", much=3)
    told = json.loads(line)
    assert (told["event"], told["much"], told["request"], told["trace"]) == ("it happened", 3, call.id, TRACE)
    call.end()
    assert "request" not in json.loads(lines(Log("info"), monkeypatch, "later")[0])


@pytest.mark.parametrize("form", ["text", "json"])
def test_secrets_are_in_no_line(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {
        "HOME": "/",
        "AGENT_MEMORY_PG_PASSWORD": 'open "sesame"',
        "AGENT_MEMORY_ADMIN_KEY": "correct horse",
        "AGENT_MEMORY_REDIS_URL": "redis://:hush-hush@example/0",
        "AGENT_MEMORY_LOG_FORMAT": form,
    }
    log = make_log(read_settings(environment).settings)
    said = lines(
        log,
        monkeypatch,
        'login with open "sesame" failed',
        why="correct horse",
        at="redis://:hush-hush@example/0",
        more="hush-hush alone",
    )
    text = "\n".join(said)
    for secret in ("sesame", "correct horse", "hush-hush"):
        assert secret not in text
    assert text.count("(hidden)") >= 4


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_shows_no_values(form: LogFormat, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(content: str) -> None:
        raise RuntimeError(f"{len(content)} characters")

    log, text = Log("info", form), ""
    try:
        fail("marzipan")
    except RuntimeError as error:
        text = "\n".join(lines(log, monkeypatch, "it failed", exc_info=error))
    assert "RuntimeError: 8 characters" in text
    assert "in fail" in text
    assert "marzipan" not in text.replace('fail("marzipan")', "").replace('fail(\\"marzipan\\")', "")


async def test_the_line_of_a_defect_says_which_call_it_was() -> None:
    class Broken:
        async def list_tools(self, cursor: str | None) -> Page:
            raise RuntimeError("a defect")

        async def call_tool(self, name: str, arguments: msgspec.Raw, context: CallContext) -> ToolResult:
            raise RuntimeError("a defect")

    seen: list[dict[str, str]] = []
    server = McpServer(
        Application(tools=Broken()),
        ServerInfo(name="x", version="1"),
        on_defect=lambda _incident, _error: seen.append(call_facts()),
    )
    session = server.connect(lambda _data: None)
    said: dict[str, object] = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "traceparent": f"00-{TRACE}-{SPAN}-01",
    }
    params: dict[str, object] = {"name": "x", "arguments": {}, "_meta": said}
    request: dict[str, object] = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    session.receive(json.dumps(request).encode() + b"\n")
    assert await session.drain(5) == 0
    assert [facts["trace"] for facts in seen] == [TRACE]


def test_the_form_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.loads(lines(Log("info", "json"), monkeypatch, "tea")[0])["event"] == "tea"
    assert not lines(Log("info", "text"), monkeypatch, "tea")[0].startswith("{")
    assert lines(Log("error"), monkeypatch, "tea") == []
