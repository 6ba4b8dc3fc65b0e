"""One ceiling's whole surface: tools, resources, completions, subscriptions, the library. All that is answered to it
is looked through for what it must not hold.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import msgspec

from agent_memory.core.caller import Caller
from agent_memory.entrypoints.library import OpenMemory
from agent_memory.entrypoints.mcp.application import CallContext, CompletionTarget, Refused
from agent_memory.entrypoints.mcp.completing import MemoryCompletions
from agent_memory.entrypoints.mcp.handlers import MemoryTools
from agent_memory.entrypoints.mcp.prompts import MemoryPrompts
from agent_memory.entrypoints.mcp.resources import MemoryResources
from agent_memory.entrypoints.mcp.watching import MemorySubscriptions
from agent_memory.ports.records import Event

from .oracle import inside

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent_memory.entrypoints.wiring import App

    from .oracle import Oracle

CONTEXT = CallContext()


class Leak(AssertionError):
    pass


class Answer(msgspec.Struct):
    text: str
    data: Any
    error: str


class Surface:
    def __init__(self, app: App, ceiling: str, oracle: Oracle) -> None:
        settings = msgspec.structs.replace(app.settings, scope=ceiling)
        mine = msgspec.structs.replace(app, settings=settings)
        self.app = mine
        self.ceiling = ceiling
        self.oracle = oracle
        self.tools = MemoryTools(mine)
        self.resources = MemoryResources(mine)
        self.prompts = MemoryPrompts(mine)
        self.completions = MemoryCompletions(mine)
        self.subscriptions = MemorySubscriptions(mine)
        self.library = OpenMemory(mine, Caller(client="lib", ceiling=ceiling))
        self.told: list[str] = []
        self.stirred = asyncio.Event()
        self.events: list[Event] = []
        self._stack = AsyncExitStack()

    def check(self, asked: object, answered: object) -> None:
        question = msgspec.json.encode(asked).decode()
        text = answered if isinstance(answered, str) else msgspec.json.encode(answered).decode()
        leaks = self.oracle.leaks(self.ceiling, question, text)
        if leaks:
            raise Leak(f"{self.ceiling!r} asked {question} and was answered {leaks}: {text}")

    async def call(self, tool: str, /, **arguments: Any) -> Answer:
        result = await self.tools.call_tool(tool, msgspec.Raw(msgspec.json.encode(arguments)), CONTEXT)
        data = None if result.structured is msgspec.UNSET else msgspec.to_builtins(result.structured)
        self.check(arguments, [result.text, data])
        return Answer(result.text, data, result.error)

    async def read(self, uri: str) -> Any:
        """None where there is no such resource."""
        try:
            result = await self.resources.read_resource(uri, CONTEXT)
        except Refused as refused:
            self.check(uri, refused.message)
            return None
        (content,) = result.contents
        text = getattr(content, "text", "")
        self.check(uri, text)
        return msgspec.json.decode(text)

    async def listed(self) -> list[str]:
        uris: list[str] = []
        cursor = None
        while True:
            page = await self.resources.list_resources(cursor)
            assert not isinstance(page.items, msgspec.Raw)
            self.check("", list(page.items))
            uris += [getattr(item, "uri", "") for item in page.items]
            cursor = page.next_cursor
            if cursor is None:
                return uris

    async def prompt(self, name: str, **arguments: str) -> str | None:
        """None where it is refused."""
        try:
            result = await self.prompts.get_prompt(name, arguments, CONTEXT)
        except Refused as refused:
            self.check(arguments, refused.message)
            return None
        text = "\n".join(message.text for message in result.messages)
        self.check(arguments, text)
        return text

    async def complete(self, uri: str, argument: str, value: str = "") -> list[str]:
        target = CompletionTarget("resource", uri, argument)
        answer = await self.completions.complete(target, value, {}, CONTEXT)
        self.check(value, list(answer.values))
        assert answer.total == len(answer.values), "counts what it does not show"
        return list(answer.values)

    async def listen(self, uris: Iterable[str]) -> list[str]:
        """What of it is honoured."""
        try:
            opened = await self.subscriptions.open(list(uris), self._tell, CONTEXT)
        except Refused as refused:
            self.check(list(uris), refused.message)
            return []
        self._stack.callback(opened.close)
        return list(opened.uris)

    async def watch(self) -> None:
        events = await self._stack.enter_async_context(self.library.watch())

        async def gather() -> None:
            async for event in events:
                if isinstance(event, Event):
                    self.events.append(event)

        gathering = asyncio.create_task(gather())
        self._stack.push_async_callback(asyncio.wait, [gathering])
        self._stack.callback(gathering.cancel)

    async def close(self) -> None:
        await self._stack.aclose()
        for event in self.events:
            if not inside(event.scope, self.ceiling):
                raise Leak(f"{self.ceiling!r} was told of {event}")

    def _tell(self, uris: Iterable[str]) -> None:
        uris = list(uris)
        self.told += uris
        self.stirred.set()
