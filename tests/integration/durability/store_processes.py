"""The real server as a process, and its file opened beside it."""

from __future__ import annotations

import os
import select
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from agent_memory.adapters.inprocess.clock import SystemClock
from agent_memory.adapters.sqlite import SqliteStorage
from agent_memory.entrypoints.stdio_client import StdioClient
from agent_memory.ports.queries import EntryFilter, LexicalQuery
from agent_memory.ports.records import STATES
from agent_memory.ports.scopes import ScopeFilter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from agent_memory.ports.clock import Clock
    from agent_memory.ports.records import Entry

COMMAND = (sys.executable, "-m", "agent_memory.entrypoints.cli", "mcp")
EVERYWHERE = ScopeFilter(descendants=True)


class ToolFailed(Exception):
    """A tool answered with an error."""


def environment(path: Path, **settings: str) -> dict[str, str]:
    """`settings` by their names without the prefix."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AGENT_MEMORY_")}
    return inherited | {
        f"AGENT_MEMORY_{name}": value for name, value in {"DB_PATH": str(path), **settings}.items()
    }


def server(path: Path, *wrapper: str, timeout: float = 60.0, **settings: str) -> StdioClient:
    """`wrapper` is a command that runs the one that follows it (`sh -c 'ulimit ...; exec "$@"' sh`)."""
    return StdioClient([*wrapper, *COMMAND], environment(path, **settings), timeout=timeout)


async def call(client: StdioClient, tool: str, **arguments: Any) -> dict[str, Any]:
    answer = await client.call_tool(f"memory_{tool}", arguments)
    if answer.is_error:
        raise ToolFailed(answer.text)
    structured: dict[str, Any] = answer.structured
    return structured


async def remembered(client: StdioClient, content: str, **fields: Any) -> str:
    """The id."""
    answer = await call(client, "remember", content=content, **fields)
    return str(answer["results"][0]["id"])


@asynccontextmanager
async def opened(path: Path, clock: Clock | None = None) -> AsyncGenerator[SqliteStorage]:
    async with SqliteStorage(path, clock=clock or SystemClock(), origin="test") as storage:
        yield storage


async def found_by(storage: SqliteStorage, word: str) -> list[str]:
    query = LexicalQuery(terms=(word,), filter=EntryFilter(where=EVERYWHERE), limit=100)
    return [hit.entry.id for hit in await storage.search(query)]


async def every_row(storage: SqliteStorage) -> list[Entry]:
    return [entry async for entry in storage.scan(EntryFilter(where=EVERYWHERE, states=STATES))]


def wait_for_exit(pid: int, seconds: float) -> bool:
    """Whether the process, anybody's child, ended within `seconds`. Linux only."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)
