"""The tools at work: from a call to a use case, and back to what a model reads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec

from ...core import requests, requests_team
from ...core.caller import Caller
from ...ports.errors import PortError
from ..health import Health, check_health
from . import text, text_team
from .application import Refused, UnknownTool
from .arguments import decode_arguments
from .content import CacheHint, Page, ToolResult
from .failures import failure_data
from .handlers_moving import MovingTools
from .tool_schemas import listed
from .tools import TOOLS

if TYPE_CHECKING:
    from ..settings import ToolSet
    from ..wiring import App
    from .application import CallContext

_LIST_TTL_MS = 3_600_000
_LONGEST_NAME = 128  # of a tool, in the protocol


CORE = frozenset({
    "memory_remember", "memory_recall", "memory_get", "memory_update", "memory_forget", "memory_context",
})  # fmt: skip
"""The tools of an agent that works alone: less to read before every task."""
UNLIMITED = frozenset({"memory_health"})
"""Counted under no rate limit: how the memory is must be seen also by whoever has used up their calls."""


class _Signed(msgspec.Struct, frozen=True):
    agent_id: str | None = None


_SIGNED = msgspec.json.Decoder(_Signed)


class NoArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class _Tool(msgspec.Struct, frozen=True):
    """`long`: it takes a third argument, by which it says how far it is."""

    schema: dict[str, Any]
    kind: type[Any]
    run: Callable[..., Awaitable[Any]]
    tell: Callable[[Any], str]
    long: bool = False


class MemoryTools:
    def __init__(self, app: App) -> None:
        self._app = app
        self._callers: dict[tuple[str, str], Caller] = {}
        self._decoders: dict[str, msgspec.json.Decoder[Any]] = {}
        memory = app.memory
        made: dict[str, tuple[type[Any], Callable[[Any, Caller], Awaitable[Any]], Callable[[Any], str]]] = {
            "memory_remember": (requests.Remember, memory.remember, text.remembered),
            "memory_recall": (requests.Recall, memory.recall, text.recalled),
            "memory_get": (requests.Get, memory.get, text.got),
            "memory_update": (requests.Update, memory.update, text.updated),
            "memory_forget": (requests.Forget, self._forget, text.forgotten),
            "memory_link": (requests.Link, memory.link, text.linked),
            "memory_file_lock": (requests.FileLock, self._file_lock, text.file_locked),
            "memory_session": (requests_team.SessionCall, app.team.session, text_team.session_told),
            "memory_vote": (requests_team.VoteCall, app.team.vote, text_team.vote_told),
            "memory_context": (requests_team.ContextCall, app.team.context, text_team.context_told),
            "memory_health": (NoArguments, self._health, _health_text),
        }
        self._listed = tool_list(app.settings.tools)
        long = MovingTools(app, self._check_key).runs
        self._tools = {
            schema["name"]: _Tool(schema["inputSchema"], kind, run, tell, long=schema["name"] in long)
            for schema in _offered(app.settings.tools)
            for kind, run, tell in [made.get(schema["name"]) or long[schema["name"]]]
        }

    async def list_tools(self, cursor: str | None) -> Page:
        if cursor is not None:
            raise Refused("cursor: there is one page of tools")
        return Page(self._listed, cache=CacheHint(_LIST_TTL_MS, "public"))

    async def call_tool(self, name: str, arguments: msgspec.Raw, context: CallContext) -> ToolResult:
        tool = self._tools.get(name)
        if tool is None:
            raise _unknown(name)
        caller = self._caller(context.client.name, name)
        limits = self._app.limits
        try:
            if limits is not None and name not in UNLIMITED:
                await limits.admit(caller, _agent_of(arguments))
            request = decode_arguments(self._decoder(name, tool.kind), arguments, tool.schema)
            result = await tool.run(request, caller, *((context.progress,) if tool.long else ()))
        except PortError as error:
            return ToolResult(text.failure(error), failure_data(error), is_error=True, error=error.code)
        return ToolResult(tool.tell(result), result)

    def _decoder(self, name: str, kind: type[Any]) -> msgspec.json.Decoder[Any]:
        """Made by the first call: all of them together are a twentieth of a server's start."""
        decoder = self._decoders.get(name)
        if decoder is None:
            decoder = self._decoders[name] = msgspec.json.Decoder(kind)
        return decoder

    def _caller(self, client: str, tool: str) -> Caller:
        caller = self._callers.get((client, tool))
        if caller is None:
            if len(self._callers) >= 1000:  # one connection may claim any number of names
                self._callers.clear()
            settings = self._app.settings
            name = client[:128] if self._app.cleaner is None else self._app.cleaner.client(client[:128])
            caller = Caller(client=name, agent=settings.agent_id, tool=tool, ceiling=settings.scope)
            self._callers[client, tool] = caller
        return caller

    async def _forget(self, request: requests.Forget, caller: Caller) -> object:
        if request.purge:
            self._check_key(request.admin_key, caller, "purging", "nothing was purged")
        return await self._app.memory.forget(request, caller)

    async def _file_lock(self, request: requests.FileLock, caller: Caller) -> object:
        if request.action == "force_unlock":
            self._check_key(request.admin_key, caller, "ending another's lock", "no lock was ended")
        return await self._app.file_locks.act(request, caller)

    def _check_key(self, given: str | None, caller: Caller, what: str, outcome: str) -> None:
        """See `AdminGuard.check`: the one place that knows."""
        self._app.guard.check(given, self._app.settings.admin_key, caller, what, outcome)

    async def _health(self, _request: NoArguments, caller: Caller) -> Health:
        return await check_health(self._app, caller.ceiling)


def _agent_of(arguments: msgspec.Raw) -> str | None:
    """Before anything else is read of a call that may be refused. What is wrong with it is told later."""
    try:
        return _SIGNED.decode(arguments).agent_id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def tool_list(shown: ToolSet = "all") -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode([listed(tool) for tool in _offered(shown)]))


def _offered(shown: ToolSet) -> tuple[dict[str, Any], ...]:
    return tuple(schema for schema in TOOLS if shown == "all" or schema["name"] in CORE)


def _unknown(name: str) -> Refused:
    if any(schema["name"] == name for schema in TOOLS):
        return Refused(
            f"{name} is not offered here: this server was started with AGENT_MEMORY_TOOLS=core, which has "
            f"{', '.join(schema['name'] for schema in _offered('core'))}"
        )
    return UnknownTool(name[:_LONGEST_NAME])


def _health_text(health: Health) -> str:
    return msgspec.json.encode(health).decode()
