"""pydantic-ai's toolset, driven line by line. See remote_clients.py."""
# pyright: basic, reportMissingImports=false
# (runs in an environment of its own)

from __future__ import annotations

import asyncio
import json
import os
import sys

from fastmcp.client.transports import StdioTransport
from pydantic_ai.exceptions import ModelRetry
from pydantic_ai.mcp import MCPToolset


def as_text(message: str) -> str:
    """A model behind this client gets an error's data, where it comes with data, in place of its text."""
    try:
        told = json.loads(message)
    except ValueError:
        return message
    return f"{told['error']}: {told['message']}"


async def main() -> None:
    server = StdioTransport(command=sys.argv[1], args=sys.argv[2:], env=dict(os.environ))
    async with MCPToolset(server) as toolset:
        while line := await asyncio.to_thread(sys.stdin.readline):
            order = json.loads(line)
            if order["tool"] is None:
                answer = {"tools": [tool.name for tool in await toolset.list_tools()]}
            else:
                try:
                    structured = await toolset.direct_call_tool(order["tool"], order["arguments"])
                except ModelRetry as retry:
                    answer = {"text": as_text(retry.message), "is_error": True}
                else:
                    answer = {"text": "", "is_error": False, "structured": structured}
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


asyncio.run(main())
