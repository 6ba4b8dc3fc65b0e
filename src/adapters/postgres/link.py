"""One connection that mends itself: messages of one channel come in over it, statements go out one by one.

It stays apart from the pool, so that nothing here waits behind a unit of work, and no unit behind this.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import asyncpg

from ...ports.errors import Unavailable
from ...ports.waking import Sleeper
from .connections import connect_arguments, server_name
from .errors import port_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...ports.clock import Clock
    from .config import PostgresSettings

    Connection = asyncpg.Connection[asyncpg.Record]
    Rows = list[asyncpg.Record]

_PING_SECONDS = 20.0
"""An idle connection is tried so often: one that a firewall forgot brings no messages and gives no error."""
_FIRST_BACK_OFF = 0.1
_LONGEST_BACK_OFF = 5.0
_CLOSING_SECONDS = 5.0


class _Request:
    __slots__ = ("answer", "arguments", "statement")

    def __init__(self, statement: str, arguments: tuple[Any, ...], answer: asyncio.Future[Rows]) -> None:
        self.statement = statement
        self.arguments = arguments
        self.answer = answer


class Link:
    """`on_message` gets what is sent to `channel`; `on_renewed` is told when there was a time of which nothing was
    heard.

    While the server is away a statement fails at once, after one attempt to reach it.
    """

    def __init__(
        self,
        settings: PostgresSettings,
        *,
        origin: str,
        clock: Clock,
        channel: str,
        on_message: Callable[[str], None],
        on_renewed: Callable[[], None],
    ) -> None:
        self.name = server_name(settings)
        self._settings = settings
        self._origin = origin
        self._channel = channel
        self._on_message = on_message
        self._on_renewed = on_renewed
        self._connection: Connection | None = None
        self._requests: deque[_Request] = deque()
        self._idle = Sleeper(clock)
        self._closed = True
        self._worker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._connection = await self._connect()
        self._closed = False
        self._worker = asyncio.create_task(self._work(), name=f"{self._channel} {self.name}")

    async def close(self) -> None:
        """What was handed in is answered, if the server is there."""
        worker, self._worker = self._worker, None
        if worker is None:
            return
        self._closed = True
        self._idle.wake()
        try:
            if self.is_connected():
                await asyncio.wait((worker,), timeout=_CLOSING_SECONDS)
        finally:
            worker.cancel()
            await asyncio.wait((worker,))
            self._refuse(Unavailable(f"{self.name}: closed"))
            await self._disconnect()

    def submit(self, statement: str, *arguments: Any) -> asyncio.Future[Rows]:
        """Runs even if nobody waits for the answer any more, unless the future was cancelled before its turn."""
        answer: asyncio.Future[Rows] = asyncio.get_running_loop().create_future()
        if self._closed:
            _fail(answer, Unavailable(f"{self.name}: closed"))
        else:
            self._requests.append(_Request(statement, arguments, answer))
            self._idle.wake()
        return answer

    async def _work(self) -> None:
        failures = 0
        while self._requests or not self._closed:
            if not self.is_connected():
                try:
                    self._connection = await self._connect()
                except Exception as error:  # noqa: BLE001 - whatever it was, the next attempt may succeed
                    failures += 1
                    self._refuse(error)
                    await self._idle.doze(_back_off(failures))
                    continue
                failures = 0
                self._on_renewed()
            if self._requests:
                await self._answer(self._requests.popleft())
            elif not await self._idle.doze(_PING_SECONDS) and not self._closed:
                await self._answer(_Request("SELECT 1", (), asyncio.get_running_loop().create_future()))

    async def _answer(self, request: _Request) -> None:
        answer = request.answer
        if answer.cancelled():
            return
        connection = self._connection
        assert connection is not None
        try:
            rows = await connection.fetch(
                request.statement, *request.arguments, timeout=self._settings.connection_timeout
            )
        except asyncio.CancelledError:
            _fail(answer, Unavailable(f"{self.name}: closed"))
            raise
        except Exception as error:  # noqa: BLE001 - it is this caller's answer
            if not isinstance(error, asyncpg.PostgresError):
                connection.terminate()
            _fail(answer, port_error(error, self.name))
        else:
            if not answer.done():
                answer.set_result(rows)

    async def _connect(self) -> Connection:
        connection: Connection | None = None
        try:
            connection = await asyncpg.connect(**connect_arguments(self._settings, origin=self._origin))
            connection.add_termination_listener(lambda _: self._idle.wake())
            # The last thing, so that no turn of the loop lies between listening and `on_renewed`.
            await connection.add_listener(self._channel, self._heard)
        except BaseException as error:
            if connection is not None:
                connection.terminate()
            if isinstance(error, Exception):
                raise port_error(error, self.name) from error
            raise
        return connection

    def _heard(self, _: object, __: int, ___: str, message: object) -> None:
        assert isinstance(message, str)
        self._on_message(message)

    def is_connected(self) -> bool:
        """As far as is known. After an outage, not before `on_renewed` was told of it."""
        return self._connection is not None and not self._connection.is_closed()

    def _refuse(self, error: Exception) -> None:
        """Whatever the reason, for a call under way it is an outage."""
        while self._requests:
            refusal = Unavailable(str(error))
            refusal.__cause__ = error
            _fail(self._requests.popleft().answer, refusal)

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await connection.close(timeout=_CLOSING_SECONDS)


def _fail(answer: asyncio.Future[Rows], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
        # Who asked may have gone; asyncio would report what nobody picked up.
        answer.exception()


def _back_off(failures: int) -> float:
    """Doubling, and never twice the same: clients that lost one server must not all come back at once."""
    longest: float = min(_LONGEST_BACK_OFF, _FIRST_BACK_OFF * 2.0 ** min(failures, 10))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
