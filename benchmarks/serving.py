"""The real server over stdio, on a store of its own, for a program that asks it."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from agent_memory.entrypoints.stdio_client import StdioClient
from agent_memory_contract.minilm import make_minilm

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_KEPT = "AGENT_MEMORY_EMBEDDER"
"""Settings whose names begin so are those of whoever runs the program; all others are the defaults."""
_PATH = "AGENT_MEMORY_EMBEDDER_PATH"
BUDGET = 100_000
"""Tokens an answer: enough that ranking alone decides."""


@asynccontextmanager
async def server() -> AsyncGenerator[StdioClient]:
    """`AGENT_MEMORY_EMBEDDER=onnx` without a path is all-MiniLM-L6-v2, from the packages that the tests use."""
    with TemporaryDirectory() as folder:
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("AGENT_MEMORY_") or name.startswith(_KEPT)
        }
        environment["AGENT_MEMORY_DB_PATH"] = str(Path(folder) / "memory.db")
        if environment.get(_KEPT) == "onnx" and not environment.get(_PATH):
            environment[_PATH] = str(make_minilm(Path(folder) / "all-MiniLM-L6-v2"))
        command = [sys.executable, "-m", "agent_memory.entrypoints.cli", "mcp"]
        async with StdioClient(command, environment) as client:
            yield client


async def call(client: StdioClient, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    answer = await client.call_tool(tool, arguments)
    if answer.is_error:
        raise RuntimeError(f"{tool}: {answer.text}")
    found: dict[str, Any] = answer.structured
    return found


async def until_whole(client: StdioClient) -> None:
    """Until nothing is embedded in the background any more: a question starts that, and says so."""
    everywhere = {"query": "hello there", "scope": "global", "descendants": True, "limit": 1}
    while (await call(client, "memory_recall", everywhere)).get("degraded"):  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0.2)
