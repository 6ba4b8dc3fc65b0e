"""MCP over stdin and stdout: one client, one process, ended by end of file, a signal or a broken pipe."""

from __future__ import annotations

import asyncio
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from .daemon.signals import on_signals
from .mcp.stdio_pipes import Inlet, Outlet, open_inlet, open_outlet
from .mcp.stdio_streams import check_usable, claimed_input, claimed_output

if TYPE_CHECKING:
    from collections.abc import Callable

    from .mcp.server import McpServer, Session

GRACE: Final = 5.0


async def serve_stdio(server: McpServer, stdin: int = 0, stdout: int = 1, *, grace: float = GRACE) -> None:
    """Returns once the client has gone, or a signal came, and the calls in flight have ended (after `grace`
    seconds they are cancelled; a second signal cancels them at once).

    Meanwhile `stdout` belongs to the protocol: what else is written to it goes to stderr, and what else reads
    `stdin` finds it empty. Both are given back at the end, as they were. `Misconfigured` where they are closed
    or one socket.
    """
    check_usable(stdin, stdout)
    with ExitStack() as claims:
        source = claims.enter_context(claimed_input(stdin))
        sink = claims.enter_context(claimed_output(stdout))
        ended = asyncio.Event()
        outlet = await open_outlet(sink, ended.set)
        session = server.connect(outlet.write)
        with on_signals(_Stop(ended.set, session)):
            # Only now: whoever has an answer may send a signal.
            inlet = await open_inlet(source, session, ended.set)
            outlet.throttles(inlet, session)
            try:
                await ended.wait()
            finally:
                await _wind_down(session, inlet, outlet, grace)


async def _wind_down(session: Session, inlet: Inlet, outlet: Outlet, grace: float) -> None:
    inlet.close()
    abandoned = await session.drain(0.0 if outlet.broken else grace)
    if abandoned:
        sys.stderr.write(f"{abandoned} calls did not end when cancelled\n")
    await outlet.close(grace)


class _Stop:
    """The first signal stops intake; every later one cancels what is still in flight."""

    def __init__(self, stop: Callable[[], None], session: Session) -> None:
        self._stop = stop
        self._session = session
        self._again = False

    def __call__(self) -> None:
        if self._again:
            self._session.cancel()
        self._again = True
        self._stop()
