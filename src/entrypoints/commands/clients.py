"""What MCP clients want to read in order to start this program."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from .. import cli


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """`key`: the object that holds servers by name. `typed`: whether a server says that it is on stdio.

    `where`: the file, in words.
    """

    key: str
    typed: bool
    where: str


CLIENTS: dict[str, Client] = {
    "claude-desktop": Client(
        key="mcpServers",
        typed=False,
        where="claude_desktop_config.json (Settings, Developer, Edit Config) and restart Claude Desktop",
    ),
    "claude-code": Client(
        key="mcpServers",
        typed=True,
        where=".mcp.json at the root of the project, or run: claude mcp add-json agent-memory '<the inner object>'",
    ),
    "cursor": Client(
        key="mcpServers", typed=True, where=".cursor/mcp.json of the project, or ~/.cursor/mcp.json for all"
    ),
    "vscode": Client(key="servers", typed=True, where=".vscode/mcp.json of the workspace"),
}


def configuration_for(client: str, environment: dict[str, str]) -> dict[str, Any]:
    shape = CLIENTS[client]
    command, arguments = own_command()
    server: dict[str, Any] = {"type": "stdio"} if shape.typed else {}
    server |= {"command": command, "args": [*arguments, "mcp"]}
    if environment:
        server["env"] = environment
    return {shape.key: {"agent-memory": server}}


def own_command() -> tuple[str, list[str]]:
    """What starts this program again from anywhere: clients have another PATH and another folder."""
    running = Path(sys.argv[0])
    if running.name == "agent-memory" and running.is_file() and os.access(running, os.X_OK):
        return str(running.absolute()), []
    return sys.executable, ["-m", cli.__name__]
