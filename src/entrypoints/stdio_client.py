"""An MCP client over a child process: the other side of `agent-memory mcp`, for the demo and for measurements.

Lines go straight from the pipe to the waiting call: no stream objects, one decode an answer, any number of
calls in flight.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any, Self

import msgspec

from .. import __version__
from .mcp.messages import (
    CLIENT_CAPABILITIES_KEY,
    CLIENT_INFO_KEY,
    HANDSHAKE_REVISIONS,
    LATEST,
    METHOD_NOT_FOUND,
    NULL,
    PROTOCOL_KEY,
)
from .stdio_child import ChildPipes, ServerGone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

_GRACE_SECONDS = 5.0
_TERMINATE_SECONDS = 2.0
_CLIENT_INFO = {"name": "agent-memory-client", "version": __version__}


class ServerError(Exception):
    """The server answered with a JSON-RPC error."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code
        self.data = data


class ToolAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`text` is what a model reads; `structured` what a program does. `is_error`: the text says what to change."""

    text: str
    structured: Any = None
    is_error: bool = False


class _Error(msgspec.Struct, frozen=True):
    code: int
    message: str
    data: Any = None


class _Incoming(msgspec.Struct, frozen=True):
    id: int | str | None = None
    method: str | None = None
    result: msgspec.Raw = NULL
    error: _Error | None = None


class _Text(msgspec.Struct, frozen=True):
    text: str = ""


class _CallResult(msgspec.Struct, frozen=True, rename="camel"):
    content: list[_Text] = []
    structured_content: Any = None
    is_error: bool = False


_decoder = msgspec.json.Decoder(_Incoming)
_anything = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()
_call_result = msgspec.json.Decoder(_CallResult)


class StdioClient:
    """`async with StdioClient([...]) as client`: starts the child, and ends it when left.

    `revision` chooses the era: a handshake revision is negotiated on entry; the stateless one sends nothing
    before the first request. `environment` None is this process's own. `timeout` is in seconds, a call.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        *,
        revision: str = LATEST,
        timeout: float = 30.0,
    ) -> None:
        self._command = command
        self._environment = environment
        self._revision = revision
        self._timeout = timeout
        self._ids = count(1)
        self._waiting: dict[int, asyncio.Future[msgspec.Raw]] = {}
        self._child: ChildPipes | None = None
        self._meta: dict[str, Any] | None = None
        if revision not in HANDSHAKE_REVISIONS:
            self._meta = {PROTOCOL_KEY: revision, CLIENT_CAPABILITIES_KEY: {}, CLIENT_INFO_KEY: _CLIENT_INFO}

    async def __aenter__(self) -> Self:
        self._child = await ChildPipes.start(
            self._command, self._environment, on_line=self._answered, on_end=self._ended
        )
        if self._meta is None:
            try:
                await self._shake_hands()
            except BaseException:
                await self.__aexit__(None, None, None)
                raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """As the protocol asks: close stdin, wait, terminate, kill. A child that is gone already is no error."""
        child, self._child = self._child, None
        if child is not None:
            await child.close(grace=_GRACE_SECONDS, terminate=_TERMINATE_SECONDS)

    @property
    def pid(self) -> int:
        return self._running().pid

    async def kill(self) -> None:
        """SIGKILL, and wait until it is gone. Calls in flight raise `ServerGone`."""
        await self._running().kill()

    async def request(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        """The result. Raises `ServerError`, `ServerGone`, `TimeoutError` (the server is then told to stop)."""
        return _anything.decode(await self._ask(method, params))

    async def call_tool(self, name: str, arguments: Mapping[str, Any] | None = None) -> ToolAnswer:
        raw = await self._ask("tools/call", {"name": name, "arguments": arguments or {}})
        result = _call_result.decode(raw)
        return ToolAnswer(
            text="\n".join(part.text for part in result.content),
            structured=result.structured_content,
            is_error=result.is_error,
        )

    def notify(self, method: str, params: Mapping[str, Any] | None = None) -> None:
        self._running().write(_line({"method": method, "params": self._with_meta(params)}))

    async def _ask(self, method: str, params: Mapping[str, Any] | None) -> msgspec.Raw:
        child = self._running()
        number = next(self._ids)
        waiting: asyncio.Future[msgspec.Raw] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        try:
            child.write(_line({"id": number, "method": method, "params": self._with_meta(params)}))
            async with asyncio.timeout(self._timeout):
                await child.drained()
                return await waiting
        except (TimeoutError, asyncio.CancelledError):
            with suppress(ServerGone):
                self.notify("notifications/cancelled", {"requestId": number})
            raise
        finally:
            del self._waiting[number]

    async def _shake_hands(self) -> None:
        params = {"protocolVersion": self._revision, "capabilities": {}, "clientInfo": _CLIENT_INFO}
        await self.request("initialize", params)
        self.notify("notifications/initialized")

    def _with_meta(self, params: Mapping[str, Any] | None) -> Mapping[str, Any]:
        if self._meta is None:
            return params or {}
        return {**(params or {}), "_meta": self._meta}

    def _running(self) -> ChildPipes:
        if self._child is None:
            raise ServerGone("the server is not running: use the client inside its `async with` block")
        return self._child

    def _answered(self, line: bytes) -> None:
        try:
            message = _decoder.decode(line)
        except msgspec.DecodeError:
            self._ended(ServerGone(f"the server wrote what is not MCP: {line[:200]!r}"))
            return
        if message.method is not None:
            if message.id is not None:
                self._reply(message.id, message.method)
            return
        waiting = self._waiting.get(message.id) if isinstance(message.id, int) else None
        if waiting is None or waiting.done():
            return  # an answer to a call that was given up meanwhile
        if message.error is not None:
            waiting.set_exception(ServerError(message.error.code, message.error.message, message.error.data))
        else:
            waiting.set_result(message.result)

    def _reply(self, number: int | str, method: str) -> None:
        """A server of the handshake era may ping; it has nothing else to ask of this client."""
        answer: dict[str, Any] = {"id": number}
        if method == "ping":
            answer["result"] = {}
        else:
            answer["error"] = {"code": METHOD_NOT_FOUND, "message": f"method not found: {method}"}
        self._running().write(_line(answer))

    def _ended(self, reason: ServerGone) -> None:
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(reason)


def _line(message: dict[str, Any]) -> bytes:
    return _encoder.encode({"jsonrpc": "2.0", **message}) + b"\n"
