"""The connection to Redis that all adapters of a process share.

    async with RedisServer(settings) as server, RedisLock(server, clock=clock) as lock, ...:

An adapter is given an entered RedisServer and closes nothing of it. It says what it wants by

- `await server.execute("GET", key)`: one command; bytes come back as bytes (RESP3).
- `await server.execute_all([("PUBLISH", channel, a), ("PUBLISH", channel, b)])`: several in one go, in order, on one
  connection.
- `await server.run("lock_acquire", keys, arguments)`: the script `lua/lock_acquire.lua`.
- `server.submit(...)`, of the same arguments as `run`: the task, for who wants to learn how it ended after having been
  cancelled.
- `Ear` (ear.py): a channel that is listened to, and mends itself.

What fails comes out as `PortError`. A call that was sent is not undone by cancelling its caller: it ends by itself.
`again` says whether a call may be sent once more after its answer was lost. Where it may not, it is tried again only
when it surely did nothing: no connection, or a server that said so (LOADING, BUSY, READONLY). Where all attempts failed
and one may have been done the error is `InDoubt`, a kind of `Unavailable`.

A server that did not answer in time is left alone until it does (silence.py): calls are refused at once meanwhile, and
those under way are waited for no longer. So all who share this connection wait once for it, and not each in turn.

Keys begin with `server.prefix`. Nothing is done on entering but to check the settings: the server may be absent, and
come and go as it likes.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Self

from redis import exceptions as driver

from ...ports.errors import PortError, Unavailable
from .ending import end
from .errors import InDoubt, is_passing, is_refusal, is_silence, port_error
from .pool import Pool
from .scripts import Scripts
from .silence import Silence

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence
    from types import TracebackType

    from redis.asyncio.connection import AbstractConnection

    from .settings import RedisSettings

    Value = str | bytes | int | float
    Command = Sequence[Value]

_log = logging.getLogger(__name__)

_LONGEST_DELAY = 2.0
_CLOSING_SECONDS = 2.0


class RedisServer:
    """`clock` is Lua that defines `now_micros()`; None: the server's own time."""

    def __init__(self, settings: RedisSettings, *, clock: str | None = None) -> None:
        settings.check()
        location = settings.location
        self.settings = settings
        self.name = location.name
        self.prefix = settings.key_prefix
        self._pool = Pool(settings, location)
        self.scripts = Scripts(clock)
        self._running: set[asyncio.Task[Any]] = set()
        self._closed = True
        self._connected: bool | None = None
        self._silence = Silence(self._pool)

    @property
    def connected(self) -> bool:
        """As the last call found it."""
        return self._connected is True

    @property
    def connections_made(self) -> int:
        return self._pool.made

    @property
    def connections_failed(self) -> int:
        """Attempts to connect that did not end in a connection."""
        return self._pool.failed

    @property
    def connections_lost(self) -> int:
        """Broken, or found broken. What was closed on leaving is not among them."""
        return self._pool.lost

    async def __aenter__(self) -> Self:
        self._closed = False
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Calls under way have a moment to end."""
        self._closed = True
        closing = asyncio.create_task(self._close())
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:
            await asyncio.wait((closing,))
            raise

    async def execute(self, *command: Value, again: bool = True, retries: int | None = None) -> Any:
        [answer] = await self.execute_all([command], again=again, retries=retries)
        return answer

    async def execute_all(
        self, commands: Sequence[Command], *, again: bool = True, retries: int | None = None
    ) -> list[Any]:
        """Not a transaction: others may come between. The first refusal among the answers is raised."""
        return await asyncio.shield(
            self.start(lambda connection: _converse(connection, commands), again=again, retries=retries)
        )

    async def run(
        self,
        script: str,
        keys: Sequence[Value] = (),
        arguments: Sequence[Value] = (),
        *,
        again: bool = True,
        retries: int | None = None,
    ) -> Any:
        return await asyncio.shield(self.submit(script, keys, arguments, again=again, retries=retries))

    def submit(
        self,
        script: str,
        keys: Sequence[Value] = (),
        arguments: Sequence[Value] = (),
        *,
        again: bool = True,
        retries: int | None = None,
        delay: float | None = None,
    ) -> asyncio.Task[Any]:
        lua = self.scripts[script]
        rest = (len(keys), *keys, *arguments)

        async def evaluate(connection: AbstractConnection) -> Any:
            try:
                [answer] = await _converse(connection, [("EVALSHA", lua.digest, *rest)])
            except driver.NoScriptError:
                [answer] = await _converse(connection, [("EVAL", lua.source, *rest)])
            return answer

        return self.start(evaluate, again=again, retries=retries, delay=delay)

    async def ping(self) -> float:
        """Seconds of a round trip."""
        begun = time.perf_counter()
        await self.execute("PING", retries=0)
        return time.perf_counter() - begun

    def start(
        self,
        work: Callable[[AbstractConnection], Awaitable[Any]],
        *,
        again: bool,
        retries: int | None = None,
        delay: float | None = None,
    ) -> asyncio.Task[Any]:
        """`work` on a connection, begun even if nobody waits for its end."""
        if self._closed:
            return self.keep(self._refuse())
        settings = self.settings
        return self.keep(
            self._attempts(
                work,
                again=again,
                retries=settings.max_retries if retries is None else retries,
                delay=settings.retry_delay if delay is None else delay,
            )
        )

    def keep(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Leaving gives it a moment, and ends it."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def connect(self, **changes: Any) -> AbstractConnection:
        """A connection of one's own, to be given to `discard`."""
        try:
            connection = await self._pool.connect(**changes)
        except Exception as error:
            self._connected = False
            mapped = self._meaning(error)
            if mapped is error:
                raise
            raise mapped from error
        self._connected = True
        return connection

    async def discard(self, connection: AbstractConnection) -> None:
        await self._pool.discard(connection)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # who asked may have gone; asyncio would report what nobody picked up

    async def _refuse(self) -> Any:
        raise Unavailable(f"{self.name}: closed")

    async def _attempts(
        self,
        work: Callable[[AbstractConnection], Awaitable[Any]],
        *,
        again: bool,
        retries: int,
        delay: float,
    ) -> Any:
        # The network's own time, like the timeouts of sockets, whatever clock the adapters have.
        give_up = time.monotonic() + self.settings.command_timeout
        failures = 0
        in_doubt = False
        while True:
            try:
                self._silence.refuse()
                answer = await self._attempt(work, hurried=not retries or self._connected is False)
            except PortError as refusal:
                if in_doubt:
                    raise InDoubt(str(refusal)) from refusal
                raise
            except _Failure as failure:
                error = failure.error
                if is_silence(error):
                    self._silence.begin(str(self._meaning(error)))
                self._note(connected=is_refusal(error))
                in_doubt = in_doubt or not failure.did_nothing
                may_repeat = again or failure.did_nothing
                if (
                    not may_repeat
                    or not is_passing(error)
                    or failures >= retries
                    or self._closed
                    or time.monotonic() >= give_up
                ):
                    mapped = self._meaning(error)
                    if mapped is error:
                        raise error from None
                    if in_doubt and isinstance(mapped, Unavailable):
                        mapped = InDoubt(str(mapped))
                    raise mapped from error
            else:
                self._note(connected=True)
                return answer
            await asyncio.sleep(_back_off(delay, failures))
            failures += 1

    async def _attempt(self, work: Callable[[AbstractConnection], Awaitable[Any]], *, hurried: bool) -> Any:
        try:
            # Of a server that was not there just now nobody waits for long: who drops packets may do so for hours.
            # A first connection may take its time, whatever others find out.
            async with nullcontext() if self._connected is None and not hurried else self._silence.bound():
                connection = await self._pool.borrow(hurried=hurried)
        except PortError:
            raise
        except Exception as error:
            raise _Failure(error, did_nothing=True) from error
        try:
            async with self._silence.bound():
                return await work(connection)
        except driver.ResponseError as error:
            if isinstance(error, driver.ReadOnlyError):
                await connection.disconnect(nowait=True)  # the primary is elsewhere now
            raise _Failure(error, did_nothing=True) from error
        except BaseException as error:
            # What it has sent or will read is not known any more.
            await connection.disconnect(nowait=True)
            if isinstance(error, Exception):
                raise _Failure(error, did_nothing=is_refusal(error)) from error
            raise
        finally:
            await self._pool.give_back(connection)

    def _meaning(self, error: Exception) -> Exception:
        return port_error(error, self.name, tls=self._pool.tls, by_url=bool(self.settings.url))

    def _note(self, *, connected: bool) -> None:
        if connected != self._connected:
            self._connected = connected
            if connected:
                _log.info("%s: connected", self.name)
            else:
                _log.warning("%s: not reached", self.name)

    async def _close(self) -> None:
        await self._silence.close()
        if self._running:
            await asyncio.wait(self._running, timeout=_CLOSING_SECONDS)
        await end(self._running)
        await self._pool.close()


class _Failure(Exception):
    def __init__(self, error: Exception, *, did_nothing: bool) -> None:
        super().__init__(error)
        self.error = error
        self.did_nothing = did_nothing


async def _converse(connection: AbstractConnection, commands: Sequence[Command]) -> list[Any]:
    if len(commands) == 1:
        await connection.send_command(*commands[0])
        return [await connection.read_response()]
    await connection.send_packed_command(connection.pack_commands(commands))
    answers: list[Any] = []
    refusal: driver.ResponseError | None = None
    for _ in commands:
        try:
            answers.append(await connection.read_response())
        except driver.ResponseError as error:
            refusal = refusal or error
    if refusal is not None:
        raise refusal
    return answers


def _back_off(delay: float, failures: int) -> float:
    """Doubling, and never twice the same: clients that lost one server must not all come back at once."""
    return min(_LONGEST_DELAY, delay * 2.0**failures) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
