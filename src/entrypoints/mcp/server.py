"""The asyncio side of MCP: requests become tasks, their outcomes become lines. Any byte stream can carry it."""

from __future__ import annotations

import asyncio
import os
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from ..observability.current import begin_call
from .application import CallContext, Refused, ResourceNotFound
from .identity import Identity, ServerInfo
from .messages import INTERNAL_ERROR, RESOURCE_NOT_FOUND, SERVER_BUSY
from .methods import methods_of
from .protocol import MAX_LINE, Connection, Incoming, Request
from .subscribing import METHODS as SUBSCRIBING
from .subscribing import Subscriber

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from .application import Application

MAX_IN_FLIGHT: Final = 256
_RETRY_MS: Final = 100
# A task that was cancelled gets this long to unwind; one that does not is left behind, and said to be.
_UNWIND: Final = 1.0


def print_defect(incident: str, error: BaseException) -> None:
    """To stderr, the one place where an MCP server on stdio may write. Where that is closed too, nothing is left."""
    with suppress(OSError, ValueError):
        sys.stderr.write(f"incident {incident}\n{''.join(traceback.format_exception(error))}")
        sys.stderr.flush()


class McpServer:
    """One program, served to any number of connections. Holds no state of theirs."""

    def __init__(
        self,
        application: Application,
        info: ServerInfo,
        *,
        instructions: str | None = None,
        max_in_flight: int = MAX_IN_FLIGHT,
        max_line: int = MAX_LINE,
        on_defect: Callable[[str, BaseException], None] = print_defect,
    ) -> None:
        """`max_in_flight` bounds the calls of one connection. `on_defect` is told of each unexpected exception,
        with the incident id that the client got.
        """
        parts = {
            "tools": application.tools,
            "resources": application.resources,
            "prompts": application.prompts,
            "completions": application.completions,
        }
        offers = frozenset(name for name, part in parts.items() if part is not None)
        self.subscriptions = application.subscriptions
        self.identity = Identity(
            info, offers=offers, subscribes=self.subscriptions is not None, instructions=instructions
        )
        self.methods = methods_of(application)
        self.max_in_flight = max_in_flight
        self.max_line = max_line
        self.on_defect = on_defect

    def connect(self, write: Callable[[bytes], None]) -> Session:
        """A new connection on the running loop. `write` takes whole lines, and must neither block nor raise."""
        return Session(self, write)


class Session:
    """One client. Lines are written in one piece for all calls that end in the same turn of the loop."""

    def __init__(self, server: McpServer, write: Callable[[bytes], None]) -> None:
        self._server = server
        self._write = write
        self._loop = asyncio.get_running_loop()
        self._connection = Connection(server.identity, max_line=server.max_line)
        self._calls: dict[Request, asyncio.Task[None]] = {}
        self._subscriber = Subscriber(self._connection, server.subscriptions, self._flush_soon)
        self._draining = False
        self._receiving = False
        self._flush_due = False

    @property
    def in_flight(self) -> int:
        return len(self._calls)

    def receive(self, data: bytes) -> None:
        self._handle(lambda: self._connection.receive(data))

    def receive_end(self) -> None:
        """The client says no more. What it asked before is still answered: `drain`."""
        self._handle(self._connection.receive_end)

    async def drain(self, grace: float) -> int:
        """Refuse what comes from now on, end subscriptions, let calls in flight end for `grace` seconds, then cancel
        them. Returns how many did not even end then.
        """
        self._draining = True
        self._subscriber.end()
        if self._calls:
            await asyncio.wait(list(self._calls.values()), timeout=grace)
        self.cancel()
        if self._calls:
            await asyncio.wait(list(self._calls.values()), timeout=_UNWIND)
        self._flush()
        return len(self._calls)

    def cancel(self) -> None:
        """End every subscription, and cancel every call in flight; each is answered with an error."""
        self._subscriber.end()
        for request in list(self._calls):
            self._cancel(request, None)

    def hold(self) -> None:
        """The client is slow to read. Answers are still written; what it did not ask for just now waits, bounded."""
        self._subscriber.hold()

    def release(self) -> None:
        self._subscriber.release()

    async def has_room(self) -> None:
        """Return once one more call would not be refused."""
        while len(self._calls) >= self._server.max_in_flight:
            await asyncio.wait(list(self._calls.values()), return_when=asyncio.FIRST_COMPLETED)

    def _handle(self, read: Callable[[], list[Incoming]]) -> None:
        self._receiving = True
        try:
            for event in read():
                if isinstance(event, Request):
                    self._admit(event)
                else:
                    self._cancel(event.request, event.reason)
        finally:
            self._receiving = False
        self._flush()

    def _admit(self, request: Request) -> None:
        if self._draining:
            self._connection.fail(request, SERVER_BUSY, "the server is shutting down")
        elif len(self._calls) >= self._server.max_in_flight:
            limit = f"server busy: {self._server.max_in_flight} calls are in flight"
            self._connection.fail(request, SERVER_BUSY, limit, {"retryAfterMs": _RETRY_MS})
        else:
            task = _started(self._loop, self._call(request))
            if not task.done():
                self._calls[request] = task

    def _cancel(self, request: Request, reason: str | None) -> None:
        task = self._calls.get(request)
        if task is None:
            self._subscriber.drop(request)
        else:
            task.add_done_callback(lambda _: self._ended(request))
            task.cancel(reason)

    async def _call(self, request: Request) -> None:
        call = begin_call(request.meta)
        try:
            context = self._context(request)
            if request.method in SUBSCRIBING:
                await self._subscriber.call(request, context)
            else:
                body, cache = await self._server.methods[request.method](request.params, context)
                self._connection.respond(request, body, cache)
        except Refused as refused:
            code = refused.code
            if isinstance(refused, ResourceNotFound) and not request.stateless:
                code = RESOURCE_NOT_FOUND
            self._connection.fail(request, code, refused.message, refused.data)
        except Exception as error:  # noqa: BLE001 - the last frame before the wire: a defect must not end the server
            incident = os.urandom(4).hex()
            self._server.on_defect(incident, error)
            self._connection.fail(request, INTERNAL_ERROR, f"internal error; incident {incident}")
        finally:
            call.end()
            self._ended(request)

    def _ended(self, request: Request) -> None:
        # What has no answer by now was cancelled, perhaps before its first step. The connection drops this
        # where it was the client who cancelled.
        if not self._subscriber.holds(request):
            self._connection.fail(request, INTERNAL_ERROR, "the server cancelled this call")
        self._calls.pop(request, None)
        self._flush_soon()

    def _context(self, request: Request) -> CallContext:
        def report(progress: float, total: float | None, message: str | None) -> None:
            self._connection.progress(request, progress, total, message)
            self._flush_soon()

        return CallContext(
            client=request.client,
            protocol=request.revision,
            meta=request.meta,
            report=None if request.progress_token is None else report,
        )

    def _flush_soon(self) -> None:
        if self._receiving or self._flush_due:
            return
        if self._calls:
            # Other calls may end in this very turn: one write for all of them.
            self._flush_due = True
            self._loop.call_soon(self._flush)
        else:
            self._flush()

    def _flush(self) -> None:
        self._flush_due = False
        data = self._connection.take_output()
        if data:
            self._write(data)


if sys.version_info >= (3, 12):

    def _started(loop: asyncio.AbstractEventLoop, call: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A call that never waits ends here, without a turn of the loop."""
        return asyncio.Task(call, loop=loop, eager_start=True)

else:

    def _started(loop: asyncio.AbstractEventLoop, call: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return loop.create_task(call)
