"""FastMCP's client, driven line by line. See remote_clients.py."""
# pyright: basic, reportMissingImports=false
# (runs in an environment of its own)

from __future__ import annotations

import asyncio
import json
import os
import sys

from fastmcp import Client
from fastmcp.client.transports import StdioTransport


async def main() -> None:
    server = StdioTransport(command=sys.argv[1], args=sys.argv[2:], env=dict(os.environ))
    async with Client(server) as client:
        while line := await asyncio.to_thread(sys.stdin.readline):
            order = json.loads(line)
            if order["tool"] is None:
                answer = {"tools": [tool.name for tool in await client.list_tools()]}
            else:
                result = await client.call_tool(order["tool"], order["arguments"], raise_on_error=False)
                answer = {
                    "text": result.content[0].text,
                    "is_error": result.is_error,
                    "structured": result.structured_content,
                }
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


asyncio.run(main())
