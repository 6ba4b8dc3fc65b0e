"""langchain-mcp-adapters, its tools called as an agent calls them, driven line by line. See remote_clients.py."""
# pyright: basic, reportMissingImports=false
# (runs in an environment of its own)

from __future__ import annotations

import asyncio
import json
import os
import sys

from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools


async def main() -> None:
    server = {"transport": "stdio", "command": sys.argv[1], "args": sys.argv[2:], "env": dict(os.environ)}
    async with MultiServerMCPClient({"memory": server}).session("memory") as session:
        tools = {tool.name: tool for tool in await load_mcp_tools(session)}
        while line := await asyncio.to_thread(sys.stdin.readline):
            order = json.loads(line)
            if order["tool"] is None:
                answer = {"tools": list(tools)}
            else:
                call = {"type": "tool_call", "id": "1", "name": order["tool"], "args": order["arguments"]}
                message = await tools[order["tool"]].ainvoke(call)
                answer = {
                    "text": message.content[0]["text"],
                    "is_error": message.status == "error",
                    "structured": (message.artifact or {}).get("structured_content"),
                }
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


asyncio.run(main())
