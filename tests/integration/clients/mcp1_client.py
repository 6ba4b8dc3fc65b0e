"""The official SDK, 1.x, driven line by line. See remote_clients.py."""
# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false
# (runs in an environment of its own, with another SDK than the one that is checked against)

from __future__ import annotations

import asyncio
import json
import os
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def main() -> None:
    server = StdioServerParameters(command=sys.argv[1], args=sys.argv[2:], env=dict(os.environ))
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        while line := await asyncio.to_thread(sys.stdin.readline):
            order = json.loads(line)
            if order["tool"] is None:
                answer = {"tools": [tool.name for tool in (await session.list_tools()).tools]}
            else:
                result = await session.call_tool(order["tool"], order["arguments"])
                answer = {
                    "text": result.content[0].text,
                    "is_error": result.isError,
                    "structured": result.structuredContent,
                }
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


asyncio.run(main())
