"""What a client's own environment sets holds for its calls, though another process answers them."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from agent_memory.entrypoints.daemon.link import line

from .household import PATIENCE, PIPE, client_of, daemon_of

if TYPE_CHECKING:
    from .household import Home

SECRET = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6"
STANDING = ["memory://stats", "memory://recent"]


async def test_one_daemon_answers_for_all_its_clients(home: Home) -> None:
    async with daemon_of(home), client_of(home) as one, client_of(home) as other:
        await one.open()
        await other.open()
        stored = await one.done("memory_remember", content="the lighthouse is red", scope="acme")
        assert stored["result"]["structuredContent"]["results"][0]["version"] == 1
        found = await other.done("memory_recall", query="lighthouse", scope="acme")
        assert [r["content"] for r in found["result"]["structuredContent"]["results"]] == [
            "the lighthouse is red"
        ]
        assert await one.instance() == await other.instance()
        assert await one.finished() == (0, "")
        assert await other.finished() == (0, "")


async def test_a_clients_ceiling_holds_through_the_daemon(home: Home) -> None:
    async with daemon_of(home), client_of(home) as free, client_of(home, SCOPE="acme/shop") as bound:
        await free.open()
        await bound.open()
        assert await free.instance() == await bound.instance()
        stored = await free.done("memory_remember", content="secret of globex", scope="globex")
        identifier = stored["result"]["structuredContent"]["results"][0]["id"]
        outside = await bound.done("memory_recall", query="secret", scope="globex")
        assert outside["result"]["isError"]
        assert "limited to 'acme/shop'" in outside["result"]["content"][0]["text"]
        by_id = await bound.done("memory_get", ids=[identifier])
        assert by_id["result"]["structuredContent"] == {"entries": [], "missing": [identifier]}
        bound.ask("resources/read", {"uri": f"memory://entry/{identifier}"})
        assert "error" in await bound.hear()
        bound.ask("resources/list", {})
        assert [r["uri"] for r in (await bound.hear())["result"]["resources"]] == STANDING
        refused = await bound.done("memory_remember", content="x", scope="globex")
        assert refused["result"]["isError"]
        inside = await bound.done("memory_remember", content="of the shop")
        assert not inside["result"]["isError"]
        seen = await free.done("memory_recall", query="of the shop", scope="acme/shop")
        assert seen["result"]["structuredContent"]["results"][0]["scope"] == "acme/shop"


async def test_a_clients_agent_and_admin_key_hold_through_the_daemon(home: Home) -> None:
    async with (
        daemon_of(home),
        client_of(home, AGENT_ID="ada", ADMIN_KEY="k1") as ada,
        client_of(home) as free,
    ):
        await ada.open()
        await free.open()
        stored = await ada.done("memory_remember", content="signed", agent_id="mallory")
        identifier = stored["result"]["structuredContent"]["results"][0]["id"]
        got = (await free.done("memory_get", ids=[identifier]))["result"]["structuredContent"]
        assert got["entries"][0]["source"]["agent"] == "ada"
        guarded = await ada.done("memory_forget", ids=[identifier], purge=True)
        assert "admin_key is missing" in guarded["result"]["content"][0]["text"]
        allowed = await ada.done("memory_forget", ids=[identifier], purge=True, admin_key="k1")
        assert not allowed["result"]["isError"]


@pytest.mark.parametrize("ceiling", ["", "acme"])
async def test_a_client_narrows_the_daemons_ceiling_and_never_widens_it(home: Home, ceiling: str) -> None:
    settings = {"SCOPE": ceiling} if ceiling else {}
    async with daemon_of(home, SCOPE="acme/shop"), client_of(home, **settings, DAEMON="required") as client:
        await client.open()
        refused = await client.done("memory_remember", content="x", scope="acme")
        assert "limited to 'acme/shop'" in refused["result"]["content"][0]["text"]


@pytest.mark.parametrize(
    ("daemon", "client", "why", "code"),
    [
        ({"SCOPE": "acme"}, {"SCOPE": "globex"}, "nothing is in both", 78),
        ({"AGENT_ID": "ada"}, {"AGENT_ID": "bob"}, "writes as 'ada'", 78),
        ({"ADMIN_KEY": "a"}, {"ADMIN_KEY": "b"}, "ADMIN_KEY of this client", 78),
        ({}, {"SCOPE": "a/../b"}, "segment '..'", 78),
        ({}, {"AGENT_ID": "x" * 129}, "at most 128", 78),
        ({}, {"AGENT_ID": "a\nb"}, "AGENT_ID", 78),
        ({}, {"AGENT_ID": SECRET}, "AGENT_ID: what looks like a secret", 78),
        ({}, {"SCOPE": f"acme/{SECRET}"}, "SCOPE: what looks like a secret", 78),
        ({}, {"DB_PATH": "other.db"}, "this daemon serves", 75),
    ],
)
async def test_a_client_that_cannot_be_served_as_it_is_set_up_is_told_why(
    home: Home, daemon: dict[str, str], client: dict[str, str], why: str, code: int
) -> None:
    if "DB_PATH" in client:
        client = {"DB_PATH": str(home.folder / client["DB_PATH"])}
    async with daemon_of(home, **daemon), client_of(home, **client, DAEMON="required") as refused:
        assert await asyncio.wait_for(refused.process.wait(), PATIENCE) == code
        assert why in await refused.told("declined")


async def test_what_a_client_is_told_of_its_settings_repeats_no_secret(home: Home) -> None:
    async with daemon_of(home), client_of(home, TOOLS=SECRET, DAEMON="required") as refused:
        assert await asyncio.wait_for(refused.process.wait(), PATIENCE) == 78
        assert "TOOLS='[redacted:github-pat]'" in await refused.told("declined")
        async with client_of(home, **{SECRET: "1"}) as warned:
            assert "AGENT_MEMORY_[redacted:github-pat] is not a setting" in await warned.told("warning")


async def test_auto_serves_by_itself_what_the_daemon_declines(home: Home) -> None:
    async with (
        daemon_of(home, SCOPE="acme"),
        client_of(home, SCOPE="globex") as alone,
        client_of(home) as with_it,
    ):
        await alone.open()
        await with_it.open()
        assert await alone.instance() != await with_it.instance()
        assert "nothing is in both" in await alone.told("serving from this process")


async def test_off_never_asks_the_daemon_and_auto_does(home: Home) -> None:
    async with daemon_of(home), client_of(home, DAEMON="off") as alone, client_of(home) as with_it:
        await alone.open()
        await with_it.open()
        assert await alone.instance() != await with_it.instance()


async def test_without_a_daemon_auto_serves_by_itself_and_required_ends_with_75(home: Home) -> None:
    async with client_of(home) as alone, client_of(home, DAEMON="required") as lost:
        assert (await alone.open())["result"]["serverInfo"]["name"] == "agent-memory"
        assert await asyncio.wait_for(lost.process.wait(), PATIENCE) == 75
        assert str(home.socket) in await lost.told("no daemon answers")


@pytest.mark.parametrize("blank", ["SCOPE", "ADMIN_KEY"])
async def test_a_guard_that_is_set_but_blank_is_refused_as_without_a_daemon(home: Home, blank: str) -> None:
    async with daemon_of(home), client_of(home, **{blank: " "}) as wrong:
        assert await asyncio.wait_for(wrong.process.wait(), PATIENCE) == 78
        assert await wrong.told("set but blank")


async def test_a_misspelt_setting_is_noticed_through_the_daemon(home: Home) -> None:
    async with daemon_of(home), client_of(home, SCOEP="acme") as client:
        assert "did you mean AGENT_MEMORY_SCOPE?" in await client.told("warning")


async def test_one_client_too_many_is_told_that_the_daemon_is_busy(home: Home) -> None:
    async with daemon_of(home, DAEMON_CLIENTS_MAX="1"), client_of(home) as first:
        await first.open()
        async with client_of(home, DAEMON="required") as second:
            assert await asyncio.wait_for(second.process.wait(), PATIENCE) == 75
            assert "the most it takes" in await second.told("declined")
        assert await first.finished() == (0, "")
        async with client_of(home, DAEMON="required") as third:
            await third.open()


@pytest.mark.parametrize(
    "said",
    [
        b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}\n',
        b"GET / HTTP/1.1\n",
        line().replace(b":1", b":99"),
        b"x" * 70_000,
        b"[" * 5000 + b"\n",
        b"\xff\xfe\n",
    ],
)
async def test_whoever_does_not_say_who_it_is_gets_a_line_and_no_service(home: Home, said: bytes) -> None:
    async with daemon_of(home), client_of(home) as client:
        reader, writer = await asyncio.open_unix_connection(str(home.socket))
        writer.write(said)
        answer = await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()
        assert b'"accepted":false,"code":"version"' in answer
        assert answer.count(b"\n") == 1
        await client.open()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
async def test_another_users_process_is_refused(home: Home) -> None:
    program = (
        "import os, socket, sys; os.setgid(65534); os.setuid(65534); s = socket.socket(socket.AF_UNIX);"
        "s.connect(sys.argv[1]); s.sendall(sys.argv[2].encode()); sys.stdout.buffer.write(s.recv(65536))"
    )
    async with daemon_of(home):
        for opened in (home.folder, home.socket.parent):
            opened.chmod(0o755)
        home.socket.chmod(0o666)  # as if its mode did not protect it
        hello = line(database=f"sqlite:{home.folder}/memory.db").decode()
        stranger = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, str(home.socket), hello, stdout=PIPE
        )
        answer, _ = await asyncio.wait_for(stranger.communicate(), PATIENCE)
    assert b'"accepted":false,"code":"foreign"' in answer


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
async def test_a_client_tells_nothing_to_another_users_socket(home: Home) -> None:
    program = (
        "import os, socket, sys; os.setgid(65534); os.setuid(65534); s = socket.socket(socket.AF_UNIX);"
        "s.bind(sys.argv[1]); s.listen(); print('up', flush=True); c, _ = s.accept(); print(c.recv(100), flush=True)"
    )
    home.folder.chmod(0o777)
    where = home.folder / "theirs"
    stranger = await asyncio.create_subprocess_exec(sys.executable, "-c", program, str(where), stdout=PIPE)
    assert stranger.stdout is not None
    assert await stranger.stdout.readline() == b"up\n"
    async with client_of(home, SOCKET=str(where), DAEMON="required", AGENT_ID="ada") as client:
        assert await asyncio.wait_for(client.process.wait(), PATIENCE) == 75
        assert "another user" in await client.told("declined")
    assert await asyncio.wait_for(stranger.stdout.readline(), PATIENCE) == b"b''\n"
    await stranger.communicate()


async def test_a_connection_that_says_nothing_costs_no_one_else_anything(home: Home) -> None:
    async with daemon_of(home), client_of(home) as client:
        silent = socket.socket(socket.AF_UNIX)
        silent.connect(str(home.socket))
        await client.open()
        assert await client.finished() == (0, "")
        silent.close()
