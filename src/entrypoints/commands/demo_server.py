"""A real server in a child process, behind a real client: the official MCP SDK where it is installed, else our own."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

from .. import cli
from ..stdio_client import StdioClient, ToolAnswer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from pathlib import Path

_WRITE_PID = 'echo $$ > "$0" && exec "$@"'
"""The SDK does not tell which process it started; `exec` keeps the one that wrote its number."""


class Server(Protocol):
    async def tools(self) -> list[dict[str, Any]]:
        """As listed, by the names of the protocol."""
        ...

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> ToolAnswer: ...

    async def kill(self) -> None:
        """SIGKILL: no warning, no clean-up. Only leaving the block is allowed after it."""
        ...


def client_name(wanted: str) -> str:
    """`sdk` or `own`; `auto` takes the SDK where there is one of version 2 or later."""
    if wanted != "auto":
        return wanted
    if find_spec("mcp") is None:
        return "own"
    import mcp  # noqa: PLC0415 (a second of start-up, and only here)

    return "sdk" if hasattr(mcp, "Client") else "own"


def client_title(name: str) -> str:
    if name == "own":
        return "this package's own client"
    from importlib.metadata import version  # noqa: PLC0415 (only with the SDK)

    return f"the official MCP SDK {version('mcp')}"


def server_command() -> list[str]:
    return [sys.executable, "-m", cli.__name__, "mcp"]


def server_environment(folder: Path) -> dict[str, str]:
    """This process's own, but no memory of yours is touched."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AGENT_MEMORY_")}
    return {**own, "AGENT_MEMORY_DB_PATH": str(folder / "memory.db"), "AGENT_MEMORY_LOG_LEVEL": "warning"}


def server_complaints(folder: Path) -> str:
    """The end of what the server wrote to stderr behind the SDK; our own client puts it into its error."""
    log = _log(folder)
    return log.read_text(errors="replace")[-2000:] if log.exists() else ""


def _log(folder: Path) -> Path:
    return folder / "server.log"


@asynccontextmanager
async def start_server(client: str, folder: Path) -> AsyncGenerator[Server]:
    if client == "own":
        async with StdioClient(server_command(), server_environment(folder)) as own:
            yield _Own(own)
        return
    from mcp import Client, StdioServerParameters  # noqa: PLC0415 (not needed to run the product)
    from mcp.client.stdio import stdio_client  # noqa: PLC0415 (likewise)

    pid_file = folder / "server.pid"
    parameters = StdioServerParameters(
        command="/bin/sh",
        args=["-c", _WRITE_PID, str(pid_file), *server_command()],
        env=server_environment(folder),
    )
    with _log(folder).open("a") as log:
        async with Client(stdio_client(parameters, errlog=log)) as sdk:
            yield _Sdk(sdk, pid_file)


class _Own:
    def __init__(self, client: StdioClient) -> None:
        self._client = client
        self.kill = client.kill

    async def tools(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = (await self._client.request("tools/list"))["tools"]
        return listed

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> ToolAnswer:
        return await self._client.call_tool(tool, arguments)


class _Sdk:
    def __init__(self, client: Any, pid_file: Path) -> None:
        self._client = client
        self._pid_file = pid_file

    async def tools(self) -> list[dict[str, Any]]:
        listed = await self._client.list_tools()
        return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed.tools]

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> ToolAnswer:
        result = await self._client.call_tool(tool, dict(arguments))
        return ToolAnswer(
            text="\n".join(part.text for part in result.content),
            structured=result.structured_content,
            is_error=bool(result.is_error),
        )

    async def kill(self) -> None:
        os.kill(int(self._pid_file.read_text()), signal.SIGKILL)
