"""How a daemon ends and comes back under its clients."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .household import INITIALIZE, PATIENCE, client_of, daemon_of, end, start_daemon

if TYPE_CHECKING:
    from .household import Client, Home

STATELESS: dict[str, Any] = {
    "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
}


async def a_call_that_waits(client: Client) -> int:
    """One that is under way, and ends only with a lock that nobody gives back."""
    held = await client.done("memory_file_lock", action="checkout", file_path="a.py", agent_id="a")
    assert not held["result"]["isError"]
    waiting = client.call(
        "memory_file_lock", action="checkout", file_path="a.py", agent_id="b", wait_seconds=300
    )
    await client.done("memory_health")  # read after it, so the daemon has read both
    return waiting


async def test_a_client_goes_on_after_its_daemon_was_stopped_and_started(home: Home) -> None:
    async with daemon_of(home) as first, client_of(home) as client:
        await client.open()
        before = await client.instance()
        await client.done("memory_remember", content="kept over the restart")
        first.terminate()
        assert await asyncio.wait_for(first.wait(), PATIENCE) == 0
        assert not home.socket.exists()
        found = client.call("memory_recall", query="restart")  # while there is none
        async with daemon_of(home):
            answer = await client.hear()
            assert answer["id"] == found
            assert answer["result"]["structuredContent"]["results"][0]["content"] == "kept over the restart"
            assert await client.instance() != before
            code, told = await client.finished()
        assert code == 0
        assert "the daemon went away" in told
        assert "the daemon is back" in told


async def test_a_stateless_client_goes_on_as_well(home: Home) -> None:
    async with daemon_of(home) as first, client_of(home) as client:
        client.ask("tools/list", STATELESS)
        tools = (await client.hear())["result"]["tools"]
        first.terminate()
        await client.told("the daemon went away")
        await asyncio.wait_for(first.wait(), PATIENCE)
        async with daemon_of(home):
            client.ask("tools/list", STATELESS)
            assert (await client.hear())["result"]["tools"] == tools


async def test_calls_in_flight_are_answered_with_an_error_when_the_daemon_is_killed(home: Home) -> None:
    async with daemon_of(home) as first, client_of(home) as client:
        await client.open()
        waiting = await a_call_that_waits(client)
        first.kill()
        answer = await client.hear()
        assert answer["id"] == waiting
        assert answer["error"]["code"] == -32010
        assert "may have been done or not" in answer["error"]["message"]
        assert "1 calls in flight" in await client.told("went away")
        async with daemon_of(home):  # over the socket file that the killed one left
            assert (await client.done("memory_health"))["result"]["structuredContent"]["status"] == "healthy"


async def test_a_client_whose_daemon_does_not_come_back_ends_with_75_and_answers_first(home: Home) -> None:
    async with daemon_of(home) as first, client_of(home, DAEMON_RECONNECT_MS="1000") as client:
        await client.open()
        first.kill()
        await client.told("the daemon went away")
        asked = client.call("memory_health")  # while it is looked for
        answer = await client.hear()
        assert answer["id"] == asked
        assert "this call was not done" in answer["error"]["message"]
        assert await asyncio.wait_for(client.process.wait(), PATIENCE) == 75
        assert await client.told("did not come back within 1 s")
    async with client_of(home) as next_one:
        await next_one.open()  # embedded


async def test_a_daemon_of_another_version_is_not_passed_off_as_the_old_one(home: Home) -> None:
    """The client was told a version and what is offered; it can be told anew only by a new process."""
    async with daemon_of(home) as first, client_of(home) as client:
        await client.open()
        first.terminate()
        await asyncio.wait_for(first.wait(), PATIENCE)
        asked = client.call("memory_health")
        async with daemon_of(home, TEST_VERSION="9.9"):
            answer = await client.hear()
            assert answer["id"] == asked
            assert "this call was not done" in answer["error"]["message"]
            assert await asyncio.wait_for(client.process.wait(), PATIENCE) == 75
            assert await client.told("another version")


async def test_a_daemon_that_stands_still_does_not_keep_a_new_client(home: Home) -> None:
    async with daemon_of(home) as stuck:
        os.kill(stuck.pid, signal.SIGSTOP)
        async with client_of(home) as client:
            assert (await client.open())["result"]["serverInfo"]["name"] == "agent-memory"


async def test_what_was_asked_and_not_read_by_a_daemon_that_drains_is_done_by_the_next(home: Home) -> None:
    """A drain has a goodbye: nothing that was not read is lost, or answered with an error."""
    async with daemon_of(home, DRAIN_TIMEOUT_MS="60000") as first, client_of(home) as client:
        await client.open()
        waiting = await a_call_that_waits(client)
        first.terminate()
        await asyncio.to_thread(_gone, home)  # it has stopped to read
        late = [client.call("memory_remember", content=f"late {n}") for n in range(5)]
        async with client_of(home, DAEMON="off") as other:
            await other.open()
            locks = await other.done("memory_file_lock", action="status", file_path="a.py", agent_id="a")
            token = locks["result"]["structuredContent"]["token"]
            await other.done(
                "memory_file_lock", action="checkin", file_path="a.py", agent_id="a", token=token
            )
        answer = await client.hear()
        assert answer["id"] == waiting
        assert not answer["result"]["isError"]
        assert await asyncio.wait_for(first.wait(), PATIENCE) == 0
        async with daemon_of(home):
            answers = [await client.hear() for _ in late]
            assert sorted(answer["id"] for answer in answers) == late
            assert all(answer["result"]["structuredContent"]["results"] for answer in answers)


def _gone(home: Home) -> None:
    while True:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(home.socket))
            except OSError:
                return
        time.sleep(0.01)


async def test_a_call_that_outlasts_the_grace_is_cancelled_and_answered(home: Home) -> None:
    async with daemon_of(home, DRAIN_TIMEOUT_MS="100") as first, client_of(home) as client:
        await client.open()
        waiting = await a_call_that_waits(client)
        first.terminate()
        answer = await client.hear()
        assert answer["id"] == waiting
        assert "the server cancelled this call" in answer["error"]["message"]
        assert await asyncio.wait_for(first.wait(), PATIENCE) == 0


async def test_a_second_signal_cancels_at_once_and_still_answers(home: Home) -> None:
    async with daemon_of(home, DRAIN_TIMEOUT_MS="600000") as first, client_of(home) as client:
        await client.open()
        waiting = await a_call_that_waits(client)
        first.terminate()
        await asyncio.to_thread(_gone, home)
        first.terminate()
        assert (await client.hear())["id"] == waiting
        assert await asyncio.wait_for(first.wait(), PATIENCE) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_a_client_once_its_calls_are_answered(home: Home, number: signal.Signals) -> None:
    async with daemon_of(home), client_of(home) as client:
        await client.open()
        client.process.send_signal(number)
        assert await asyncio.wait_for(client.process.wait(), PATIENCE) == 0


async def test_a_clients_second_signal_does_not_wait(home: Home) -> None:
    async with (
        daemon_of(home, DRAIN_TIMEOUT_MS="600000"),
        client_of(home, DRAIN_TIMEOUT_MS="600000") as client,
    ):
        await client.open()
        waiting = await a_call_that_waits(client)
        client.process.terminate()
        while client.process.returncode is None:
            # Two that come at once are one. A third would find a client that is over, and its handlers gone.
            client.process.terminate()
            try:
                async with asyncio.timeout(3.0):
                    await client.process.wait()
            except TimeoutError:
                continue
        assert client.process.returncode == 0
        answer = await client.hear()
        assert answer["id"] == waiting
        assert "error" in answer


async def test_everything_asked_before_the_end_of_input_is_answered(home: Home) -> None:
    async with daemon_of(home), client_of(home) as client:
        await client.open()
        asked = [client.call("memory_remember", content=f"fact {n} " + "x" * 5000) for n in range(100)]
        client.process.stdin.close()  # type: ignore[union-attr]
        assert sorted([(await client.hear())["id"] for _ in asked]) == asked
        assert await asyncio.wait_for(client.process.wait(), PATIENCE) == 0


async def test_a_reader_that_goes_away_ends_the_client_and_cancels_its_calls(home: Home) -> None:
    async with (
        daemon_of(home, DRAIN_TIMEOUT_MS="600000") as daemon,
        client_of(home) as client,
        client_of(home) as other,
    ):
        await client.open()
        await other.open()
        await a_call_that_waits(client)
        client.process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
        assert await asyncio.wait_for(client.process.wait(), PATIENCE) == 0
        assert (await other.done("memory_health"))["result"]
        daemon.terminate()  # nothing is left to wait for
        assert await asyncio.wait_for(daemon.wait(), PATIENCE) == 0


async def test_killed_again_and_again_under_load_no_acknowledged_write_is_lost(home: Home) -> None:
    """Four clients write without a pause while the daemon is killed and started; what was acknowledged is there."""
    acknowledged: set[str] = set()
    errors = 0
    stop = asyncio.Event()
    more = asyncio.Semaphore(0)

    async def writes(client: Client, name: str) -> None:
        nonlocal errors
        turn = 0
        while not stop.is_set():
            turn += 1
            content = f"{name} wrote {turn}"
            answer = await client.done("memory_remember", content=content)
            if "error" in answer:
                errors += 1
            else:
                acknowledged.add(content)
                more.release()
        code, _ = await client.finished()
        assert code == 0

    daemon = await start_daemon(home)
    try:
        async with (
            client_of(home, DAEMON="required") as a,
            client_of(home, DAEMON="required") as b,
            client_of(home, DAEMON="required") as c,
            client_of(home, DAEMON="required") as d,
            asyncio.TaskGroup() as group,
        ):
            for client in (a, b, c, d):
                await client.open()  # while the first daemon is certainly there
            for name, client in zip("abcd", (a, b, c, d), strict=True):
                group.create_task(writes(client, name))
            for kill in range(6):
                async with asyncio.timeout(PATIENCE):
                    for _ in range(20):
                        await more.acquire()
                if kill % 3 == 2:
                    daemon.terminate()
                    assert await asyncio.wait_for(daemon.wait(), PATIENCE) == 0
                else:
                    os.kill(daemon.pid, signal.SIGKILL)
                await end(daemon)
                daemon = await start_daemon(home)
            stop.set()
    finally:
        await end(daemon)
    async with client_of(home, DAEMON="off") as reader:
        await reader.open()
        kept: set[str] = set()
        for content in acknowledged:
            reader.ask("tools/call", {"name": "memory_recall", "arguments": {"query": content, "limit": 100}})
        for _ in acknowledged:
            found = (await reader.hear())["result"]["structuredContent"]["results"]
            kept |= {entry["content"] for entry in found}
    assert acknowledged <= kept
    assert len(acknowledged) >= 120
    assert errors <= 6 * 4


async def test_the_initialize_of_a_client_that_starts_while_the_daemon_restarts_is_answered(
    home: Home,
) -> None:
    daemon = await start_daemon(home)
    try:
        async with client_of(home, DAEMON="required") as client:
            # Connected, but the daemon stands still: it cannot answer before it is killed.
            await asyncio.to_thread(_accepted, daemon.pid)
            os.kill(daemon.pid, signal.SIGSTOP)
            client.ask("initialize", INITIALIZE)
            os.kill(daemon.pid, signal.SIGKILL)
            await end(daemon)
            daemon = await start_daemon(home)
            assert (await client.hear())["result"]["serverInfo"]["name"] == "agent-memory"
    finally:
        await end(daemon)


def _accepted(pid: int) -> None:
    """Until the daemon has a connection beside its listening socket."""
    while True:
        sockets = [file for file in Path(f"/proc/{pid}/fd").iterdir() if _link(file).startswith("socket:")]
        if len(sockets) >= 4:
            return
        time.sleep(0.01)


def _link(file: Path) -> str:
    try:
        return str(file.readlink())
    except OSError:
        return ""
