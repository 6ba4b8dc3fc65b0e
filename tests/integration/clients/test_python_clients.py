"""The Python clients that agents are built with, each from its own package.

Their environments are kept in pytest's cache; `--cache-clear` makes them anew, with the newest versions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .live_server import ADMIN_KEY, server_environment
from .remote_clients import ClientProgram, interpreter, running
from .walkthrough import walk_through

if TYPE_CHECKING:
    from pathlib import Path

PROGRAMS = (
    ClientProgram("mcp1", "mcp>=1.27,<2"),
    ClientProgram("fastmcp", "fastmcp>=4,<5"),
    ClientProgram("langchain", "langchain-mcp-adapters"),
    ClientProgram("pydantic_ai", "pydantic-ai-slim[mcp]"),
)


@pytest.mark.clients
@pytest.mark.timeout(400)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.script)
async def test_every_tool_works_through(
    program: ClientProgram, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    python = await interpreter(program, pytestconfig.cache.mkdir("clients"))
    environment = server_environment(tmp_path, ADMIN_KEY=ADMIN_KEY)
    async with running(python, program.script, environment) as client:
        await walk_through(client)
