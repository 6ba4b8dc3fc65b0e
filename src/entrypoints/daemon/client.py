"""One connection of the daemon's socket: who it is first, then MCP with the framing of stdio."""

from __future__ import annotations

import asyncio
import os
import select
import socket
from typing import TYPE_CHECKING, Final, Protocol, cast

from .hello import Declined, Hello, read_hello
from .link import LONGEST, line, peer_user

if TYPE_CHECKING:
    from ..logs import Log
    from ..mcp.server import McpServer, Session

HELLO_WITHIN: Final = 10.0
"""Seconds that a connection may take to say who it is."""
_SLOW_READER: Final = 2.0
_LOOK_EVERY: Final = 0.1


class House(Protocol):
    """What a connection asks of its daemon."""

    log: Log
    grace: float

    def came(self, client: Client) -> None: ...

    def admit(self, hello: Hello) -> tuple[McpServer, bytes]: ...

    def has_declined(self, code: str, why: str) -> None: ...

    def left(self, client: Client) -> None: ...


class Client(asyncio.Protocol):
    """Reading stops while its answers are not read, and when it ends: what is not read is not begun."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._transport: asyncio.Transport | None = None
        self._session: Session | None = None
        self._first = bytearray()
        self._deaf = False
        self._lost = asyncio.Event()
        self._ending: asyncio.Task[None] | None = None
        self._hello_timer: asyncio.TimerHandle | None = None

    @property
    def calls(self) -> int:
        return 0 if self._session is None else self._session.in_flight

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._hello_timer = asyncio.get_running_loop().call_later(HELLO_WITHIN, self.abort)
        try:
            self._house.came(self)
            _check_user(transport)
        except Declined as declined:
            self._decline(declined)

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        if self._session is not None:
            self._session.receive(data)
            return
        self._first += data
        if b"\n" in self._first or len(self._first) > LONGEST:
            said, _, rest = bytes(self._first).partition(b"\n")
            self._first.clear()
            self._greet(said, rest)

    def eof_received(self) -> bool:
        """The client says no more: its calls get the grace, then it is let go. True keeps the other way open."""
        if self._session is None or self._deaf:
            return False
        self._session.receive_end()
        self._deaf = True
        self._begin_end(self._house.grace, farewell=b"")
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._deaf = True
        self._lost.set()
        if self._hello_timer is not None:
            self._hello_timer.cancel()
        if self._session is not None:
            self._session.cancel()
        self._house.left(self)

    def pause_writing(self) -> None:
        if self._session is not None:
            self._session.hold()
        if not self._deaf:
            self._open().pause_reading()

    def resume_writing(self) -> None:
        if self._session is not None:
            self._session.release()
        if not self._deaf:
            self._open().resume_reading()

    async def finish(self, grace: float) -> None:
        """Answer what was read, say goodbye, close."""
        if self._session is None:
            if not self._deaf:
                self._decline(Declined("stopping", "the daemon is shutting down"))
        elif not self._lost.is_set():
            self._begin_end(grace, farewell=line(goodbye="stopping"))
        if self._ending is not None:
            await asyncio.shield(self._ending)
        await _within(self._lost, _SLOW_READER)

    def hurry(self) -> None:
        if self._session is not None:
            self._session.cancel()

    def abort(self) -> None:
        self._open().abort()

    def _greet(self, said: bytes, rest: bytes) -> None:
        try:
            server, answer = self._house.admit(read_hello(said))
        except Declined as declined:
            self._decline(declined)
            return
        if self._hello_timer is not None:
            self._hello_timer.cancel()
        self._open().write(answer)
        self._session = server.connect(self._write)
        if rest:
            self._session.receive(rest)

    def _write(self, data: bytes) -> None:
        if not self._lost.is_set():
            self._open().write(data)

    def _decline(self, declined: Declined) -> None:
        self._house.has_declined(declined.code, str(declined))
        self._deaf = True
        self._open().write(declined.line())
        self._open().close()

    def _begin_end(self, grace: float, *, farewell: bytes) -> None:
        if farewell and not self._deaf:
            self._deaf = True
            self._open().pause_reading()
        if self._ending is None:
            self._ending = asyncio.get_running_loop().create_task(self._end(grace, farewell))

    async def _end(self, grace: float, farewell: bytes) -> None:
        assert self._session is not None
        self._look_whether_gone()
        abandoned = await self._session.drain(grace)
        if abandoned:
            self._house.log.error("calls did not end when cancelled", calls=abandoned)
        elif not self._lost.is_set():
            # Only now is it true: whatever was read is answered.
            self._open().write(farewell)
        self._open().close()

    def _look_whether_gone(self) -> None:
        """The loop tells only the end of what a client says. That nobody hears the answers either, the system tells."""
        if self._lost.is_set() or not self.calls:
            return
        if hung_up(self._open()):
            self.hurry()
        else:
            asyncio.get_running_loop().call_later(_LOOK_EVERY, self._look_whether_gone)

    def _open(self) -> asyncio.Transport:
        assert self._transport is not None
        return self._transport


def _check_user(transport: asyncio.BaseTransport) -> None:
    """The file's mode keeps others out already, but not every system heeds the mode of a socket, nor every admin."""
    # The loop's own object of it may offer next to nothing.
    with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as connection:
        user = peer_user(connection)
    if user is not None and user != os.geteuid():
        raise Declined("foreign", f"this daemon serves the user {os.geteuid()} only, not {user}")


def hung_up(transport: asyncio.BaseTransport) -> bool:
    """Whether the other end is closed in both directions."""
    look = select.poll()
    look.register(transport.get_extra_info("socket").fileno(), 0)
    return any(event & (select.POLLHUP | select.POLLERR) for _, event in look.poll(0))


async def _within(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
