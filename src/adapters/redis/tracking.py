"""Hearing from the server that keys have changed, whoever changed them, over a connection of its own that mends itself.

CLIENT TRACKING in broadcast mode, redirected to the connection itself, which listens as RESP2 does. That way both ends
of it die together, and drivers need not know of push messages.
"""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Any, cast

from redis import exceptions as driver

from ...ports.errors import PortError, Unavailable
from .cache_steps import command
from .ending import end

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redis.asyncio.connection import AbstractConnection

    from ...ports.clock import Clock
    from .connection import RedisServer

_log = logging.getLogger(__name__)

_CHANNEL = b"__redis__:invalidate"
_FIRST_BACK_OFF = 0.05
_LONGEST_BACK_OFF = 2.0


class Tracking:
    """`on_change` gets the keys below `prefix` that were changed, expired or were evicted; None: any, and what may have
    been missed. That is said also where the connection is lost, and again when there is a new one.

    Answers come over it in the order in which the server did things. So an answered ping proves that whatever changed
    before the ping was sent has been heard.
    """

    def __init__(
        self,
        server: RedisServer,
        prefix: bytes,
        *,
        clock: Clock,
        lag: float,
        on_change: Callable[[Sequence[bytes] | None], None],
    ) -> None:
        self._server = server
        self._prefix = prefix
        self._clock = clock
        self._lag = lag
        self._on_change = on_change
        self._proved_at: float | None = None
        self._answered = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_current(self) -> bool:
        """Every change older than `lag` seconds has been heard."""
        return self._proved_at is not None and self._clock.monotonic() - self._proved_at < self._lag

    def start(self) -> None:
        """At once; the server may be absent."""
        self._task = asyncio.create_task(self._track(), name=f"tracking {self._server.name}")

    async def close(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            await end((task,))

    async def _track(self) -> None:
        failures = 0
        while True:
            try:
                connection = await self._server.connect(
                    protocol=2, socket_timeout=None, health_check_interval=0
                )
            except PortError as error:
                level = logging.DEBUG if failures else logging.WARNING
                _log.log(level, "%s: changes of cached keys are not heard: %s", self._server.name, error)
            else:
                try:
                    await self._hear(connection)
                except (driver.RedisError, OSError, EOFError, Unavailable, TimeoutError) as error:
                    if self._proved_at is not None:
                        failures = 0
                    _log.warning("%s: tracking of cached keys was lost: %s", self._server.name, error)
                finally:
                    self._proved_at = None
                    self._on_change(None)
                    await self._server.discard(connection)
            # The network's own time, whatever clock the adapters have.
            await asyncio.sleep(_back_off(failures))
            failures += 1

    async def _hear(self, connection: AbstractConnection) -> None:
        asked_at = self._clock.monotonic()
        async with asyncio.timeout(self._server.settings.command_timeout):
            number: int = await command(connection, "CLIENT", "ID")
            await command(
                connection, "CLIENT", "TRACKING", "ON", "REDIRECT", number, "BCAST", "PREFIX", self._prefix
            )
            await command(connection, "SUBSCRIBE", _CHANNEL)
        self._on_change(None)
        self._proved_at = asked_at
        pinging = asyncio.create_task(self._ping(connection))
        try:
            while True:
                answer: list[Any] = await _next(connection)
                if answer[0] == b"message":
                    self._on_change(answer[2])
                else:
                    self._answered.set()
        finally:
            await end((pinging,))

    async def _ping(self, connection: AbstractConnection) -> None:
        """Ends the connection when an answer does not come in time."""
        try:
            while True:
                await asyncio.sleep(self._lag / 4)
                self._answered.clear()
                asked_at = self._clock.monotonic()
                await connection.send_command("PING")
                async with asyncio.timeout(self._server.settings.command_timeout):
                    await self._answered.wait()
                self._proved_at = asked_at
        except (driver.RedisError, OSError, TimeoutError):
            await connection.disconnect(nowait=True)


async def _next(connection: AbstractConnection) -> Any:
    return cast("Any", await connection.read_response(disconnect_on_error=False))


def _back_off(failures: int) -> float:
    longest: float = min(_LONGEST_BACK_OFF, _FIRST_BACK_OFF * 2.0 ** min(failures, 10))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
