"""The client over a child process."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from agent_memory.entrypoints import stdio_client
from agent_memory.entrypoints.stdio_child import ServerGone
from agent_memory.entrypoints.stdio_client import ServerError, StdioClient, ToolAnswer

SERVER = [sys.executable, str(Path(__file__).with_name("scripted_server.py"))]
HANDSHAKE = "2025-11-25"


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_stateless_request_carries_revision_and_client_in_its_meta() -> None:
    async with StdioClient(SERVER) as client:
        params = (await client.request("echo", {"a": 1}))["params"]
    assert params["a"] == 1
    assert params["_meta"]["io.modelcontextprotocol/protocolVersion"] == "2026-07-28"
    assert params["_meta"]["io.modelcontextprotocol/clientInfo"]["name"] == "agent-memory-client"


async def test_a_handshake_revision_is_negotiated_on_entry_and_sends_no_meta() -> None:
    async with StdioClient(SERVER, revision=HANDSHAKE) as client:
        assert (await client.request("echo", {"a": 1}))["params"] == {"a": 1}
        assert [told["method"] for told in await client.request("heard")] == ["notifications/initialized"]


async def test_answers_find_their_calls_in_any_order() -> None:
    async with StdioClient(SERVER) as client:
        calls = [asyncio.create_task(client.request("hold", {"n": n})) for n in range(20)]
        release = asyncio.create_task(client.request("release"))
        assert await asyncio.gather(*calls) == list(range(20))
        await release


async def test_a_line_of_many_reads_arrives_whole() -> None:
    text = "ü" * 1_000_000
    async with StdioClient(SERVER) as client:
        assert (await client.request("echo", {"text": text}))["params"]["text"] == text


async def test_a_tool_call_gives_text_structure_and_error_mark() -> None:
    async with StdioClient(SERVER, revision=HANDSHAKE) as client:
        answer = await client.call_tool("t", {"x": 2})
    assert answer == ToolAnswer(
        text="one\ntwo", structured={"name": "t", "arguments": {"x": 2}}, is_error=True
    )


async def test_an_error_of_the_server_is_raised_with_its_code_and_data() -> None:
    async with StdioClient(SERVER) as client:
        with pytest.raises(ServerError, match="no such thing") as caught:
            await client.request("fail")
    assert (caught.value.code, caught.value.data) == (-32602, [1])


async def test_a_call_that_takes_too_long_is_given_up_and_the_server_told() -> None:
    async with StdioClient(SERVER, timeout=0.2) as client:
        with pytest.raises(TimeoutError):
            await client.request("silence")
        heard = await client.request("heard")
    assert [(told["method"], told["params"]["requestId"]) for told in heard] == [
        ("notifications/cancelled", 1)
    ]


async def test_a_cancelled_call_is_given_up_and_the_server_told() -> None:
    async with StdioClient(SERVER) as client:
        call = asyncio.create_task(client.request("silence"))
        await client.request("echo")
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert [told["method"] for told in await client.request("heard")] == ["notifications/cancelled"]


async def test_questions_of_the_server_are_answered() -> None:
    async with StdioClient(SERVER) as client:
        ping, other = await client.request("ask")
    assert ping == {"jsonrpc": "2.0", "id": "q1", "result": {}}
    assert other["error"]["code"] == -32601


async def test_when_the_server_dies_waiting_calls_learn_why() -> None:
    async with StdioClient(SERVER) as client:
        waiting = asyncio.create_task(client.request("silence"))
        with pytest.raises(ServerGone, match=r"ended with code 3: the disk is on fire"):
            await client.request("die")
        with pytest.raises(ServerGone, match="on fire"):
            await waiting
        with pytest.raises(ServerGone, match="on fire"):
            await client.request("echo")


async def test_what_is_not_the_protocol_ends_the_calls_that_wait() -> None:
    async with StdioClient(SERVER) as client:
        with pytest.raises(ServerGone, match="Hello!"):
            await client.request("babble")


async def test_a_killed_server_is_gone() -> None:
    async with StdioClient(SERVER) as client:
        pid = client.pid
        await client.kill()
        with pytest.raises(ServerGone, match="code -9"):
            await client.request("echo")
    assert not _alive(pid)


async def test_leaving_ends_the_child() -> None:
    async with StdioClient(SERVER) as client:
        await client.request("echo")
        pid = client.pid
    assert not _alive(pid)
    with pytest.raises(ServerGone, match="not running"):
        await client.request("echo")


@pytest.mark.parametrize("stubborn", [["--linger"], ["--linger", "--deaf"]], ids=["terminated", "killed"])
async def test_a_child_that_stays_is_ended(stubborn: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdio_client, "_GRACE_SECONDS", 0.2)
    monkeypatch.setattr(stdio_client, "_TERMINATE_SECONDS", 0.2)
    async with StdioClient([*SERVER, *stubborn]) as client:
        await client.request("echo")
        pid = client.pid
    assert not _alive(pid)


async def test_leaving_by_cancellation_leaves_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdio_client, "_GRACE_SECONDS", 60.0)
    pid = asyncio.get_running_loop().create_future()

    async def use() -> None:
        async with StdioClient([*SERVER, "--linger", "--deaf"]) as client:
            await client.request("echo")
            pid.set_result(client.pid)

    using = asyncio.create_task(use())
    number = await pid
    using.cancel()
    with pytest.raises(asyncio.CancelledError):
        await using
    assert not _alive(number)


async def test_a_handshake_that_fails_leaves_no_child() -> None:
    started: list[int] = []

    class Watched(StdioClient):
        async def request(self, method: str, params: object = None) -> object:
            started.append(self.pid)
            raise ServerError(-32022, f"unsupported: {method}", params)

    with pytest.raises(ServerError):
        async with Watched(SERVER, revision=HANDSHAKE):
            pytest.fail("entered")
    assert started
    assert not _alive(started[0])
