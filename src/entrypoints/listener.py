"""MCP over a Unix socket: many clients of one daemon, each within the bounds that its own environment sets."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import msgspec

from .daemon.client import Client
from .daemon.hello import Declined, Hello, Terms, accepted, terms_for
from .daemon.sockets import listening_socket
from .mcp_command import make_server

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from .mcp.server import McpServer
    from .wiring import App

_SERVERS: Final = 64
"""Kept for terms that clients came with; a daemon has few kinds of clients."""
_CLOSE: Final = 2.0
_AS_IT_IS: Final[dict[str, Any]] = {"cleanup_socket": False} if sys.version_info >= (3, 13) else {}
"""Python 3.13 removes the file of a socket that it closes, also of one that is systemd's and must stay."""


@asynccontextmanager
async def listening(
    app: App, server: McpServer, where: Path | int, *, grace: float | None = None
) -> AsyncGenerator[Listener]:
    """Serves `server` to the clients that connect at a path, or on an inherited descriptor, within the block.

    At the end: no new clients, nothing more is read, calls in flight get `grace` seconds (the setting's where none are
    given) and are then cancelled; each client is told that all that was read is answered. Where the block's task is
    cancelled, calls are cancelled at once. `Unavailable` where another daemon listens there.
    """
    grace = app.settings.drain_timeout if grace is None else grace
    with listening_socket(where) as sock:
        listener = Listener(app, server, grace)
        endpoint = await asyncio.get_running_loop().create_unix_server(
            lambda: Client(listener), sock=sock, **_AS_IT_IS
        )
        try:
            yield listener
        finally:
            endpoint.close()
            await listener.end(grace)


class Listener:
    """Who is connected, and by which terms each is served."""

    def __init__(self, app: App, server: McpServer, grace: float) -> None:
        self.grace = grace
        self.log = app.log
        self._app = app
        settings = app.settings
        own = Terms(settings.scope, settings.agent_id, settings.admin_key, settings.tools)
        self._servers: dict[Terms, McpServer] = {own: server}
        self._clients: set[Client] = set()
        self._most = settings.daemon_clients_max
        self._stopping = False
        self._gone = asyncio.Event()
        self._declined = 0

    @property
    def clients(self) -> int:
        """Connected now."""
        return len(self._clients)

    @property
    def calls(self) -> int:
        """In flight now."""
        return sum(client.calls for client in self._clients)

    @property
    def declined(self) -> int:
        """Connections refused so far."""
        return self._declined

    def came(self, client: Client) -> None:
        """`Declined` where there is no room for it."""
        self._clients.add(client)
        if self._stopping:
            raise Declined("stopping", "the daemon is shutting down")
        if len(self._clients) > self._most:
            raise Declined(
                "busy", f"the daemon has {self._most} clients, the most it takes (DAEMON_CLIENTS_MAX)"
            )

    def admit(self, hello: Hello) -> tuple[McpServer, bytes]:
        """The server for a client, and what to answer it. `Declined` where it is not served."""
        terms = terms_for(hello, self._app.settings)
        return self._server_for(terms), accepted(terms, hello, self._app.instance)

    def has_declined(self, code: str, why: str) -> None:
        self._declined += 1
        if code != "database":  # a client that looks for the daemon of another memory
            self.log.warning("a client was declined", code=code, why=why)

    def left(self, client: Client) -> None:
        self._clients.discard(client)
        if not self._clients:
            self._gone.set()

    async def end(self, grace: float) -> None:
        """Bounded: `grace`, a second for calls to unwind, and a few for slow readers."""
        self._stopping = True
        clients = list(self._clients)
        endings = [asyncio.ensure_future(client.finish(grace)) for client in clients]
        try:
            if endings:
                await asyncio.wait(endings)
        except asyncio.CancelledError:
            for client in clients:
                client.hurry()
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE):
                    await asyncio.shield(asyncio.wait(endings))
            raise
        finally:
            for client in list(self._clients):
                client.abort()
            for ending in endings:
                ending.cancel()

    def _server_for(self, terms: Terms) -> McpServer:
        server = self._servers.get(terms)
        if server is None:
            if len(self._servers) >= _SERVERS:
                del self._servers[next(reversed(self._servers))]
            settings = msgspec.structs.replace(self._app.settings, **msgspec.structs.asdict(terms))
            server = self._servers[terms] = make_server(msgspec.structs.replace(self._app, settings=settings))
        return server
