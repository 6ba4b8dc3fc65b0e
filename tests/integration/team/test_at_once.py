"""Agents that end one session, or vote on one question, at the same moment through several servers."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from agent_memory.entrypoints.stdio_client import StdioClient

from ..postgres_shape import PROGRAM
from .shapes import SHAPES, shape

if TYPE_CHECKING:
    from pathlib import Path

    from agent_memory.entrypoints.stdio_client import ToolAnswer

SESSION = "acme/shop/s1"
AGENTS = [f"agent-{number}" for number in range(12)]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Servers:
    def __init__(self, clients: list[StdioClient]) -> None:
        self.clients = clients

    async def each(self, tool: str, **arguments: Any) -> list[ToolAnswer]:
        """One call by each agent, all at once; `{agent}` in an argument is its name."""
        return await asyncio.gather(
            *(
                self.clients[number % len(self.clients)].call_tool(
                    tool,
                    {
                        name: value.format(agent=agent) if isinstance(value, str) else value
                        for name, value in arguments.items()
                    },
                )
                for number, agent in enumerate(AGENTS)
            )
        )

    async def call(self, tool: str, **arguments: Any) -> Any:
        answer = await self.clients[0].call_tool(tool, arguments)
        assert not answer.is_error, answer.text
        return answer.structured


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", SHAPES)
async def test_one_begins_one_ends_and_every_vote_counts(name: str, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        environment = await stack.enter_async_context(shape(name, tmp_path))
        clients = [
            await stack.enter_async_context(StdioClient([*PROGRAM, "mcp"], environment, timeout=60.0))
            for _ in range(3)
        ]
        servers = Servers(clients)
        begun = await servers.each("memory_session", action="begin", scope=SESSION, agent_id="{agent}")
        assert [answer.is_error for answer in begun].count(False) == 1
        assert all(answer.text.startswith("conflict: ") for answer in begun if answer.is_error)

        ended = await servers.each("memory_session", action="end", scope=SESSION, summary="told by {agent}")
        assert [answer.is_error for answer in ended].count(False) == 1
        assert all("was ended before, with another summary" in one.text for one in ended if one.is_error)
        (told,) = (await servers.call("memory_recall", scope="acme/shop"))["results"]
        assert (await servers.call("memory_session", action="get", scope=SESSION))["session"][
            "summary"
        ] == told["content"]

        vote = {"question": "Which queue?", "scope": "acme/shop"}
        await servers.each("memory_vote", action="cast", choice="by {agent}", agent_id="{agent}", **vote)
        await servers.each("memory_vote", action="cast", choice="one", agent_id="{agent}", **vote)
        stands = await servers.call("memory_vote", action="tally", k=len(AGENTS), **vote)
        assert (stands["voters"], stands["decision"]) == (len(AGENTS), "one")
        assert stands["counts"] == [{"choice": "one", "votes": len(AGENTS)}]
        cast = (await servers.call("memory_vote", action="list", **vote))["votes"]
        assert [one["agent"] for one in cast if one.get("replaced")] == [one["agent"] for one in cast][
            : len(AGENTS)
        ]
