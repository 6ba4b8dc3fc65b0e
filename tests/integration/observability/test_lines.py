"""What a server logs of its calls, and what it never logs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from agent_memory_contract.servers.postgres import SOURCES, fresh_database

from ..clients.raw_server import raw_server, request_line

if TYPE_CHECKING:
    from pathlib import Path

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def calls_told(folder: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (folder / "stderr").read_text().splitlines()]
    return [line for line in lines if line["event"] == "call"]


async def test_one_line_a_call_with_the_times_of_its_parts(tmp_path: Path) -> None:
    async with raw_server(tmp_path, PERF="1", RATE_LIMIT="1") as server:
        await server.done("memory_remember", {"content": "tea at four"})
        await server.done("memory_recall", {"query": "tea"})
        await server.done("memory_recall", {"query": "tea"})
        await server.refused("memory_recall", {"limit": -1}, "rejected")
    remembered, first, again, wrong = calls_told(tmp_path)
    assert (remembered["tool"], remembered["outcome"]) == ("memory_remember", "ok")
    assert remembered["parts"].keys() == {"limiter.hit", "storage.apply"}
    assert {"limiter.hit", "cache.miss", "storage.get"} <= first["parts"].keys()
    assert "cache.hit" in again["parts"]
    assert not {"cache.miss", "storage.get"} & again["parts"].keys()
    assert (wrong["outcome"], wrong["parts"].keys()) == ("rejected", {"limiter.hit"})
    for line in (remembered, first, again, wrong):
        assert 0 < max(line["parts"].values()) <= line["ms"] < 60_000
        assert line["level"] == "info"
    assert len({line["request"] for line in (remembered, first, again, wrong)}) == 4


async def test_the_line_names_the_client_s_trace(tmp_path: Path) -> None:
    async with raw_server(tmp_path, PERF="1") as server:
        params = {
            "name": "memory_recall",
            "arguments": {},
            "_meta": {"traceparent": f"00-{TRACE}-{SPAN}-01"},
        }
        await server.ask(request_line(1, "tools/call", params))
    [told] = calls_told(tmp_path)
    assert told["trace"] == TRACE


async def test_without_it_there_are_no_lines(tmp_path: Path) -> None:
    async with raw_server(tmp_path) as server:
        await server.done("memory_remember", {"content": "tea at four"})
    assert (tmp_path / "stderr").read_text() == ""


async def test_neither_content_nor_secrets_are_logged(tmp_path: Path) -> None:
    async with raw_server(tmp_path, PERF="1", LOG_LEVEL="debug", ADMIN_KEY="open-sesame") as server:
        made = await server.done(
            "memory_remember", {"content": "marzipan", "title": "marzipan", "author": "marzipan"}
        )
        ids = [made["results"][0]["id"]]
        await server.done("memory_recall", {"query": "marzipan", "tags": ["marzipan"]})
        await server.refused("memory_recall", {"query": "marzipan", "marzipan": 1}, "rejected")
        await server.refused(
            "memory_forget", {"ids": ids, "purge": True, "admin_key": "marzipan"}, "admin_key"
        )
        await server.done("memory_forget", {"ids": ids, "purge": True, "admin_key": "open-sesame"})
        await server.done(
            "memory_file_lock", {"action": "checkout", "file_path": "marzipan", "agent_id": "a"}
        )
        await server.ask(request_line("marzipan", "tools/call", {"name": "marzipan"}))
    told = (tmp_path / "stderr").read_text()
    assert len(calls_told(tmp_path)) == 7
    assert "marzipan" not in told
    assert "sesame" not in told


async def test_pool_and_breaker_stand_in_the_line(tmp_path: Path) -> None:
    async with fresh_database(SOURCES[0]) as database:
        there = {"PG_HOST": database.host, "PG_PORT": str(database.port), "PG_DATABASE": database.database}
        login = {"PG_USER": database.user, "PG_PASSWORD": database.password, "PG_SSL": database.ssl}
        async with raw_server(
            tmp_path, greet=True, PERF="1", DB_TYPE="postgresql", **there, **login
        ) as server:
            await server.done("memory_recall", {"query": "tea"})
    [told] = calls_told(tmp_path)
    assert told["breaker"] == {"postgresql": "closed"}
    assert told["pool"]["size"] >= 2
    assert database.password not in (tmp_path / "stderr").read_text()
