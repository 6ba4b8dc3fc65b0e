"""The memory for Python programs: keyword arguments in, results out, no server."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec

from ..core import requests, requests_moving, requests_team
from ..core.caller import Caller
from ..core.drafting import only_json
from ..core.limits import AGENT_CHARS
from ..core.redaction.names import refuse_secret
from ..core.redaction.redactor import scrubbed
from ..core.scope import parse_scope, scope_under
from ..core.text import checked_line, utf8
from ..ports.errors import Rejected
from ..ports.scopes import GLOBAL
from .logs import Log
from .settings import read_settings
from .wiring import open_app

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from ..core.maintaining import MaintainResult
    from ..core.moving.results import ExportResult, ImportResult
    from ..core.results import (
        FileLockResult,
        ForgetResult,
        Found,
        GetResult,
        LinkResult,
        RecallResult,
        RememberResult,
        UpdateResult,
    )
    from ..core.results_team import ContextResult, SessionResult, VoteResult
    from ..ports.records import Event, Gap
    from .wiring import App

T = TypeVar("T", bound=msgspec.Struct)


class OpenMemory:
    """One open store. The arguments are those of the tools, by the same names; `agent_memory.Rejected` names a wrong
    one. It belongs to the event loop in which it was opened: `RuntimeError` in any other.
    """

    def __init__(self, app: App, caller: Caller) -> None:
        self._app = app
        self._memory = app.memory
        self._file_locks = app.file_locks
        self._team = app.team
        self._caller = caller
        self._feed = app.feed
        self._loop = asyncio.get_running_loop()

    async def remember(self, content: str | None = None, **arguments: Any) -> RememberResult:
        """One entry, or `entries=[...]`. Acknowledged means on disk."""
        if content is not None:
            arguments["content"] = content
        return await self._memory.remember(self._call(arguments, requests.Remember), self._caller)

    async def recall(self, query: str = "", **arguments: Any) -> tuple[Found, ...]:
        """Best first."""
        return (await self.recall_with(query=query, **arguments)).results

    async def recall_with(self, **arguments: Any) -> RecallResult:
        """Like `recall`, with what the answer says of itself (truncated, degraded)."""
        return await self._memory.recall(self._call(arguments, requests.Recall), self._caller)

    async def get(self, *ids: str, **arguments: Any) -> GetResult:
        return await self._memory.get(self._call({"ids": list(ids), **arguments}, requests.Get), self._caller)

    async def update(self, entry_id: str, **arguments: Any) -> UpdateResult:
        return await self._memory.update(
            self._call({"id": entry_id, **arguments}, requests.Update), self._caller
        )

    async def forget(self, *ids: str, **arguments: Any) -> ForgetResult:
        if ids:
            arguments["ids"] = list(ids)
        return await self._memory.forget(self._call(arguments, requests.Forget), self._caller)

    async def link(self, source: str, target: str, type: str = "relates_to", **arguments: Any) -> LinkResult:  # noqa: A002 (the tool's name for it)
        call = {"action": "link", "from": source, "to": target, "type": type, **arguments}
        return await self._memory.link(self._call(call, requests.Link), self._caller)

    async def file_lock(
        self, action: requests.FileLockAction, file_path: str | None = None, **arguments: Any
    ) -> FileLockResult:
        """`LockTimeout` when another agent has the file (`holder` says who), `NotHeld` when yours is over."""
        call = {"action": action, "file_path": file_path, **arguments}
        return await self._file_locks.act(self._call(call, requests.FileLock), self._caller)

    async def export(self, to: str | os.PathLike[str] | None = None, **arguments: Any) -> ExportResult:
        """All of `scope` and below it: into the file `to`, or under `name` beside the store, or as `content`."""
        from .moving import export_to, make_moving  # noqa: PLC0415 - whoever opens a memory has no use for it

        call = self._call(arguments, requests_moving.ExportCall)
        moving = make_moving(self._app, self._caller.ceiling)
        if to is None:
            return await moving.export(call, self._caller)
        return await export_to(moving, self._caller, _path(to, "to"), scope=call.scope, form=call.format)

    async def import_(self, source: str | os.PathLike[str] | None = None, **arguments: Any) -> ImportResult:
        """From the file `source`, or `name` beside the store, or `content`. May be repeated: it goes on."""
        from .moving import import_from, make_moving  # noqa: PLC0415 - as above

        call = self._call(arguments, requests_moving.ImportCall)
        moving = make_moving(self._app, self._caller.ceiling)
        if source is None:
            return await moving.import_(call, self._caller)
        return await import_from(moving, self._caller, _path(source, "source"), call)

    async def maintain(self, action: requests_moving.MaintainAction, **arguments: Any) -> MaintainResult:
        from .moving import make_maintaining  # noqa: PLC0415 - as above

        call = self._call({"action": action, **arguments}, requests_moving.MaintainCall)
        return await make_maintaining(self._app).maintain(call, self._caller)

    async def session(
        self, action: requests_team.SessionAction, scope: str | None = None, **arguments: Any
    ) -> SessionResult:
        call = {"action": action, "scope": scope, **arguments}
        return await self._team.session(self._call(call, requests_team.SessionCall), self._caller)

    async def vote(
        self, action: requests_team.VoteAction, question: str | None = None, **arguments: Any
    ) -> VoteResult:
        call = {"action": action, "question": question, **arguments}
        return await self._team.vote(self._call(call, requests_team.VoteCall), self._caller)

    async def context(self, scope: str | None = None, **arguments: Any) -> ContextResult:
        """What to know before a task, within `max_tokens`."""
        call = {"scope": scope, **arguments}
        return await self._team.context(self._call(call, requests_team.ContextCall), self._caller)

    async def context_text(self, scope: str | None = None, **arguments: Any) -> str:
        """The same as text for a model's prompt; equal to the byte while nothing has changed."""
        from .mcp.text_team import context_told  # noqa: PLC0415 - who asks for data needs no words

        return context_told(await self.context(scope, **arguments))

    def watch(self, scope: str | None = None) -> AbstractAsyncContextManager[AsyncIterator[Event | Gap]]:
        """Changes in a scope and below it as they are committed, by any process: an async iterator in a block."""
        asked = None if scope is None else _text(scope, "scope")
        return self._feed.watch(scope_under(asked, self._caller.ceiling))

    def _call(self, arguments: dict[str, Any], kind: type[T]) -> T:
        if asyncio.get_running_loop() is not self._loop:
            raise RuntimeError(
                "this memory was opened in another event loop: open it in the one that uses it"
            )
        return _convert(arguments, kind)


def _convert(arguments: dict[str, Any], kind: type[T]) -> T:
    _only_as_in_calls(arguments)
    try:
        return msgspec.convert(arguments, kind)
    except msgspec.ValidationError as error:
        from .mcp.arguments import explained  # noqa: PLC0415 - who makes no mistakes needs no words
        from .mcp.kinds import schema_of  # noqa: PLC0415 - same

        said = explained(str(error), schema_of(kind))
        raise Rejected(scrubbed(str(said)), said.field and scrubbed(said.field)) from None


def _only_as_in_calls(arguments: dict[str, Any], under: str = "") -> None:
    """`Rejected` for what no call of a tool can bring, as that comes as JSON in UTF-8."""
    for name, value in arguments.items():
        utf8(name, under.rstrip(".") or "arguments")
        field = f"{under}{name}"
        if name == "metadata":
            only_json(value, field)
        elif isinstance(value, str):
            utf8(value, field)
        elif name == "filter" and isinstance(value, dict):
            _only_as_in_calls(cast("dict[str, Any]", value), f"{field}.")
        elif isinstance(value, list | tuple):
            _check_each(cast("list[object]", value), field)


def _check_each(values: Sequence[object], field: str) -> None:
    for n, value in enumerate(values):
        if isinstance(value, str):
            utf8(value, f"{field}[{n}]")
        elif field == "entries" and isinstance(value, dict):
            _only_as_in_calls(cast("dict[str, Any]", value), f"entries[{n}].")


def _text(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise Rejected(f"{field}: must be text, not {type(value).__name__}", field)
    utf8(value, field)
    return value


def _path(value: object, field: str) -> str:
    if not isinstance(value, str | os.PathLike):
        raise Rejected(f"{field}: must be the path of a file, not {type(value).__name__}", field)
    path = _text(os.fspath(cast("str | os.PathLike[str]", value)), field)
    if not path.strip() or "\0" in path:
        raise Rejected(f"{field}: {path!r} is no path of a file", field)
    return path


@asynccontextmanager
async def open_memory(
    path: str | os.PathLike[str],
    *,
    scope: str = GLOBAL,
    agent_id: str = "",
    timezone: str = "UTC",
    redact: bool = True,
) -> AsyncGenerator[OpenMemory]:
    """The store in one file, made if it is not there. Nothing is read from the environment.

    `scope` is the ceiling: nothing outside it is seen or written. `timezone` and `redact` as the settings of these
    names. `Rejected` for an argument that cannot be meant.
    """
    ceiling = parse_scope(_text(scope, "scope"))
    agent = checked_line(_text(agent_id, "agent_id"), "agent_id", most=AGENT_CHARS)
    if not isinstance(redact, bool):  # pyright: ignore[reportUnnecessaryIsInstance] - whoever has no checker of types
        raise Rejected(f"redact: must be True or False, not {redact!r}", "redact")
    if redact:
        refuse_secret(ceiling, "scope")
        refuse_secret(agent, "agent_id")
    given = {
        "AGENT_MEMORY_DB_PATH": _path(path, "path"),
        "AGENT_MEMORY_TIMEZONE": _text(timezone, "timezone"),
        "AGENT_MEMORY_REDACT": "true" if redact else "false",
        "HOME": "/",
    }
    settings = read_settings(given).settings
    caller = Caller(client="python", agent=agent, tool="library", ceiling=ceiling)
    async with open_app(settings, Log(settings.log_level)) as app:
        yield OpenMemory(app, caller)
