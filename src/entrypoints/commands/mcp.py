"""`agent-memory mcp`."""

from __future__ import annotations

import os

from ..thin_client import run as serve_through_daemon


def run(arguments: list[str]) -> int:
    if arguments:
        _explain(arguments)
    code = serve_through_daemon(os.environ)
    if code is not None:
        return code
    from ..mcp_command import run as serve  # noqa: PLC0415 - where no daemon serves this memory
    from ..settings import read_settings  # noqa: PLC0415 - same

    return serve(read_settings(os.environ))


def _explain(arguments: list[str]) -> None:
    from .parsing import Parser  # noqa: PLC0415 (a client that waits gives no arguments)

    Parser(
        "mcp",
        "Serve the memory to the MCP client that starts this process: requests on stdin, answers on stdout, "
        "logs on stderr. Ends when stdin does. Where a daemon serves the same memory, requests go to it. Takes no "
        "options: settings come from the environment (`agent-memory config` lists them). Exits with 75 when the "
        "store is unavailable at start, or the daemon has gone for good; with 78 when a setting is wrong.",
        {"print what to put into a client's configuration": "config --client claude-code"},
    ).parse_args(arguments)
