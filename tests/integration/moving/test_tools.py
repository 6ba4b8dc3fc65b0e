"""The tools that move the memory, in a real server: progress, cancellation, ceilings, links, sizes."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.stdio import stdio_client
from mcp_types import TextContent

from agent_memory.adapters.inprocess.clock import SystemClock
from agent_memory.adapters.sqlite import SqliteStorage
from agent_memory.core.moving.records import Tally, decode_record, encode
from agent_memory_contract.builders import adds, entry

from .processes import PROGRAM, environment, run

if TYPE_CHECKING:
    from pathlib import Path


def connect(path: Path, **settings: str) -> Client:
    server = StdioServerParameters(
        command=PROGRAM[0], args=[*PROGRAM[1:], "mcp"], env=environment(path, RATE_LIMIT="0", **settings)
    )
    return Client(stdio_client(server))


async def fill(path: Path, count: int, scope: str = "acme", size: int = 100) -> None:
    async with SqliteStorage(path, clock=SystemClock(), origin="fill", synchronous="NORMAL") as store:
        for start in range(0, count, 500):
            numbers = range(start, min(start + 500, count))
            await store.apply(*adds(*(entry(f"{n} " + "x" * size, scope=scope) for n in numbers)))


async def done(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(f"memory_{tool}", arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(f"memory_{tool}", arguments)
    assert result.is_error
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


async def test_long_calls_say_how_far_they_are(tmp_path: Path) -> None:
    told: list[tuple[float, float | None]] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001
        told.append((progress, total))

    await fill(tmp_path / "one.db", 2500)
    async with connect(tmp_path / "one.db") as client:
        for tool, arguments in (("export", {"name": "all.jsonl"}), ("import", {"name": "all.jsonl"})):
            told.clear()
            await client.call_tool(f"memory_{tool}", arguments, progress_callback=on_progress)
            steps = [step for step, _ in told]
            assert len(steps) > 1
            assert steps == sorted(set(steps))
        assert told[-1] == (5000, 5000)


async def test_a_cancelled_export_leaves_no_file(tmp_path: Path) -> None:
    await fill(tmp_path / "one.db", 4000, size=2000)
    begun = asyncio.Event()

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001
        begun.set()

    async with connect(tmp_path / "one.db") as client:
        call = asyncio.create_task(
            client.call_tool("memory_export", {"name": "all.jsonl"}, progress_callback=on_progress)
        )
        await asyncio.wait_for(begun.wait(), 60)
        call.cancel()
        await asyncio.wait([call])
        # The next one finds whatever the cancelled one left, and would say that the name is taken.
        assert (await done(client, "export", name="small.json", scope="none"))["counts"]["entries"] == 0
    left = sorted(file.name for file in (tmp_path / "one.db-exports").iterdir())
    assert left in (["small.json"], ["all.jsonl", "small.json"])
    if "all.jsonl" in left:
        assert b'"record":"end"' in (tmp_path / "one.db-exports" / "all.jsonl").read_bytes()[-300:]


async def test_a_large_export_needs_a_name(tmp_path: Path) -> None:
    await fill(tmp_path / "one.db", 300, size=1000)
    async with connect(tmp_path / "one.db") as client:
        assert "name is missing" in await refused(client, "export")
        assert "content" not in await done(client, "export", name="x.json")
        assert "there is one of that name" in await refused(client, "export", name="x.json")


async def test_a_server_below_a_ceiling_moves_no_more_than_that(tmp_path: Path) -> None:
    await fill(tmp_path / "one.db", 3, scope="other")
    await fill(tmp_path / "one.db", 2, scope="acme/web")
    whole = (await run(environment(tmp_path / "one.db"), "export")).output.decode()
    async with connect(tmp_path / "one.db", SCOPE="acme") as client:
        exported = await done(client, "export")
        assert (exported["scope"], exported["counts"]["entries"]) == ("acme", 2)
        assert "limited to" in await refused(client, "export", scope="other")
        assert "limited to" in await refused(client, "export", scope="global")
        assert "limited to 'acme'" in await refused(client, "import", content=whole)
        for action in ("backup", "reindex", "upkeep", "verify"):
            assert "limited to" in await refused(client, "maintain", action=action)
        assert "limited to" in await refused(client, "maintain", action="consolidate", scope="other")
        assert (await done(client, "maintain", action="consolidate"))["scope"] == "acme"


async def test_below_a_ceiling_ballots_need_the_admin_key(tmp_path: Path) -> None:
    ballot = {"action": "cast", "question": "tabs?", "choice": "no", "scope": "acme"}
    async with connect(tmp_path / "one.db") as client:
        for agent in ("bob", "carol"):
            await done(client, "vote", agent_id=agent, **ballot)
        text = (await done(client, "export"))["content"]
    for name, settings, key, expected in (
        ("two.db", {"SCOPE": "acme"}, {}, (0, 2)),
        ("three.db", {"SCOPE": "acme", "ADMIN_KEY": "k3y"}, {"admin_key": "k3y"}, (2, 0)),
        ("four.db", {}, {}, (2, 0)),
    ):
        async with connect(tmp_path / name, **settings) as client:
            votes = (await done(client, "import", content=text, **key))["votes"]
            assert (votes["created"], votes["conflicts"]) == expected
            counted = await done(client, "vote", action="tally", question="tabs?", scope="acme")
            assert counted["voters"] == expected[0]


async def test_whether_an_id_is_taken_elsewhere_is_not_told(tmp_path: Path) -> None:
    """Each answer, that of the error too, is the one that an import into an empty memory gives."""
    async with connect(tmp_path / "one.db") as client:
        await done(client, "remember", content="mine", scope="acme/web")
        text = (await done(client, "export", format="jsonl"))["content"]
    identity = json.loads(text.splitlines()[1])["id"]
    for name in ("taken.db", "free.db"):
        async with connect(tmp_path / name) as client:
            if name == "taken.db":
                await done(client, "import", content=text, format="jsonl")
    answers: list[list[Any]] = []
    for name in ("taken.db", "free.db"):
        async with connect(tmp_path / name, SCOPE="acme/other") as client:
            moved = _elsewhere(text)
            told: list[Any] = [
                await done(client, "import", content=moved, format="jsonl", on_conflict=policy, dry_run=dry)
                for policy in ("fail", "skip", "update")
                for dry in (True, False)
            ]
            told.append(await done(client, "get", ids=[identity]))
            (found,) = (await done(client, "recall", query="mine"))["results"]
            told.append(found["id"])
            answers.append(told)
    assert answers[0] == answers[1]
    assert identity not in answers[0][-1]


def _elsewhere(text: str) -> str:
    """The same export as if it were of another scope."""
    head, line, _ = text.splitlines()
    record = decode_record(line.replace("acme/web", "acme/other").encode())
    tally = Tally()
    tally.add(record, encode(record))
    return "\n".join([head, encode(record).decode(), encode(tally.end).decode()])


async def test_an_export_is_not_written_or_read_through_a_link(tmp_path: Path) -> None:
    await fill(tmp_path / "one.db", 1)
    folder, outside = tmp_path / "one.db-exports", tmp_path / "outside"
    folder.mkdir()
    outside.write_text("mine")
    (folder / "link.json").symlink_to(outside)
    async with connect(tmp_path / "one.db") as client:
        assert "conflict" in await refused(client, "export", name="link.json")
        assert "link" in await refused(client, "import", name="link.json")
        for name in ("../outside", str(outside), "a/b", ".hidden", "", "a\\b", "nul\0"):
            assert "name" in await refused(client, "export", name=name)
            assert "name" in await refused(client, "import", name=name)
    assert outside.read_text() == "mine"


async def test_what_was_imported_is_recalled_at_once(tmp_path: Path) -> None:
    await fill(tmp_path / "one.db", 1)
    text = (await run(environment(tmp_path / "one.db"), "export", "--format", "markdown")).output.decode()
    async with connect(tmp_path / "two.db") as client:
        assert (await done(client, "recall", scope="acme"))["results"] == []
        await done(client, "import", content=text, format="markdown", action="import")
        assert len((await done(client, "recall", scope="acme"))["results"]) == 1


@pytest.mark.parametrize("action", ["import", "export"])
async def test_the_action_may_be_said(tmp_path: Path, action: str) -> None:
    """As the clients of other servers do; another is an error."""
    async with connect(tmp_path / "one.db") as client:
        empty = json.dumps(await done(client, "export", action="export"))
        assert "sha256" in empty
        assert "action" in await refused(client, action, action="explode")


async def test_a_pinned_agent_imports_only_with_the_admin_key(tmp_path: Path) -> None:
    """Votes and provenance come with an export: it would sign as another."""
    await fill(tmp_path / "one.db", 2)
    async with connect(tmp_path / "one.db") as client:
        text = (await done(client, "export", format="jsonl"))["content"]
    async with connect(tmp_path / "two.db", AGENT_ID="ada") as client:
        assert "AGENT_MEMORY_ADMIN_KEY" in await refused(client, "import", content=text, format="jsonl")
    async with connect(tmp_path / "two.db", AGENT_ID="ada", ADMIN_KEY="Key-of-77") as client:
        assert "admin_key" in await refused(client, "import", content=text, format="jsonl")
        result = await done(client, "import", content=text, format="jsonl", admin_key="Key-of-77")
        assert result["entries"]["created"] == 2
