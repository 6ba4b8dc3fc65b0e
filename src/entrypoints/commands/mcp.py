"""`agent-memory mcp`."""

from __future__ import annotations

import os

from ..mcp_command import run as serve
from ..settings import read_settings


def run(arguments: list[str]) -> int:
    if arguments:
        _explain(arguments)
    return serve(read_settings(os.environ))


def _explain(arguments: list[str]) -> None:
    from .parsing import Parser  # noqa: PLC0415 (a client that waits gives no arguments)

    Parser(
        "mcp",
        "Serve the memory to the MCP client that starts this process: requests on stdin, answers on stdout, "
        "logs on stderr. Ends when stdin does. Takes no options: settings come from the environment "
        "(`agent-memory config` lists them). Exits with 75 when the store is unavailable at start, with 78 when "
        "a setting is wrong.",
        {"print what to put into a client's configuration": "config --client claude-code"},
    ).parse_args(arguments)
