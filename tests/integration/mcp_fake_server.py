"""A tiny program behind the real server and transport: `python mcp_fake_server.py`. Run by the tests as a process."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import msgspec

from agent_memory.entrypoints.event_loop import LoopChoice, run
from agent_memory.entrypoints.mcp.application import (
    Application,
    Refused,
    ResourceNotFound,
    UnknownPrompt,
    UnknownTool,
)
from agent_memory.entrypoints.mcp.content import (
    BlobResource,
    CacheHint,
    Completion,
    Page,
    Prompt,
    PromptArgument,
    PromptMessage,
    PromptResult,
    Resource,
    ResourceResult,
    ResourceTemplate,
    TextResource,
    Tool,
    ToolAnnotations,
    ToolResult,
)
from agent_memory.entrypoints.mcp.identity import ServerInfo
from agent_memory.entrypoints.mcp.server import McpServer
from agent_memory.entrypoints.mcp_stdio import serve_stdio

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent_memory.entrypoints.mcp.application import CallContext, CompletionTarget

_OBJECT = msgspec.Raw(b'{\n "type": "object"\n}')
_TOOL_NAMES = ("block", "boom", "crash", "echo", "noise", "report", "stubborn", "who")


class FakeProgram:
    """`block` waits for ever; `stubborn` does too, and takes its time when cancelled; `noise` prints to stdout."""

    def __init__(self) -> None:
        self.cancelled = 0

    async def list_tools(self, cursor: str | None) -> Page:
        if cursor not in {None, "rest"}:
            raise Refused("params.cursor is not ours")
        annotations = ToolAnnotations(title="T", read_only_hint=True)
        tools = [Tool(name=name, input_schema=_OBJECT, annotations=annotations) for name in _TOOL_NAMES]
        if cursor is None:
            return Page(tools[:4], "rest", CacheHint(1000, "public"))
        return Page(msgspec.Raw(msgspec.json.format(msgspec.json.encode(tools[4:]))))

    async def call_tool(self, name: str, arguments: msgspec.Raw, context: CallContext) -> ToolResult:
        match name:
            case "echo":
                return ToolResult("echoed", arguments)
            case "boom":
                return ToolResult("argument 'x': must be small", is_error=True)
            case "crash":
                raise RuntimeError("a secret of the inside")
            case "who":
                return ToolResult("you", {"name": context.client.name, "protocol": context.protocol})
            case "report":
                context.progress(1, 2, "half")
                context.progress(2, 2)
                return ToolResult("reported")
            case "noise":
                print("not JSON", flush=True)  # noqa: T201 - the point of it
                os.write(1, b"nor this\n")
                return ToolResult("noisy")
            case "block":
                return await self._block()
            case "stubborn":
                return await self._stubborn()
            case _:
                raise UnknownTool(name)

    async def _block(self) -> ToolResult:
        sys.stderr.write("blocked\n")
        sys.stderr.flush()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled += 1
        return ToolResult("never")

    async def _stubborn(self) -> ToolResult:
        sys.stderr.write("blocked\n")
        sys.stderr.flush()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            sys.stderr.write("cancelled\n")
            sys.stderr.flush()
            raise
        return ToolResult("never")

    async def list_resources(self, cursor: str | None) -> Page:
        return Page([Resource(uri="fake://a", name="a", mime_type="text/plain")])

    async def list_resource_templates(self, cursor: str | None) -> Page:
        return Page([ResourceTemplate(uri_template="fake://{name}", name="any")])

    async def read_resource(self, uri: str, context: CallContext) -> ResourceResult:
        if uri != "fake://a":
            raise ResourceNotFound(uri)
        return ResourceResult(
            [TextResource(uri=uri, text="A", mime_type="text/plain"), BlobResource(uri=uri, blob=b"\0\1")],
            CacheHint(5),
        )

    async def list_prompts(self, cursor: str | None) -> Page:
        return Page([Prompt(name="greet", arguments=[PromptArgument(name="whom", required=True)])])

    async def get_prompt(self, name: str, arguments: Mapping[str, str], context: CallContext) -> PromptResult:
        if name != "greet":
            raise UnknownPrompt(name)
        return PromptResult([PromptMessage("user", f"Hello {arguments['whom']}")])

    async def complete(
        self, target: CompletionTarget, value: str, resolved: Mapping[str, str], context: CallContext
    ) -> Completion:
        return Completion([f"{value}{n}" for n in range(150)], total=150)


def fake_server(program: FakeProgram) -> McpServer:
    application = Application(tools=program, resources=program, prompts=program, completions=program)
    return McpServer(application, ServerInfo(name="fake", version="1.2"), instructions="Be kind.")


if __name__ == "__main__":
    chosen: LoopChoice = "uvloop" if os.environ.get("FAKE_SERVER_LOOP") == "uvloop" else "asyncio"
    run(serve_stdio(fake_server(FakeProgram()), grace=float(sys.argv[1]) if sys.argv[1:] else 5.0), chosen)
