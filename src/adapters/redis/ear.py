"""A channel that is listened to, over a connection of its own that mends itself."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Any, cast

from redis import exceptions as driver

from ...ports.errors import PortError, Unavailable
from .ending import end

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis.asyncio.connection import AbstractConnection

    from .connection import RedisServer

_log = logging.getLogger(__name__)

_PING_SECONDS = 10.0
"""An idle connection is tried so often: one that a firewall forgot brings no messages and gives no error."""
_FIRST_BACK_OFF = 0.05
_LONGEST_BACK_OFF = 2.0


class Ear:
    """`on_message` gets what is published to `channel`; `on_hearing` is told each time that listening has begun, the
    first time too: of what was said before nothing is known. Between the two no turn of the loop is lost.
    """

    def __init__(
        self,
        server: RedisServer,
        channel: str,
        *,
        on_message: Callable[[bytes], None],
        on_hearing: Callable[[], None],
    ) -> None:
        self._server = server
        self._channel = channel
        self._on_message = on_message
        self._on_hearing = on_hearing
        self._hearing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def is_hearing(self) -> bool:
        return self._hearing.is_set()

    def start(self) -> None:
        """At once; the server may be absent."""
        self._task = asyncio.create_task(self._listen(), name=f"{self._channel} {self._server.name}")

    async def close(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            await end((task,))

    async def until_hearing(self, seconds: float) -> bool:
        """Whether it hears by then."""
        if not self._hearing.is_set():
            await asyncio.wait((hearing := asyncio.create_task(self._hearing.wait()),), timeout=seconds)
            hearing.cancel()
        return self._hearing.is_set()

    async def _listen(self) -> None:
        failures = 0
        while True:
            try:
                connection = await self._server.connect(protocol=2)
            except PortError as error:
                level = logging.DEBUG if failures else logging.WARNING
                _log.log(level, "%s: channel %r is not heard: %s", self._server.name, self._channel, error)
            else:
                try:
                    await self._hear(connection)
                except (driver.RedisError, OSError, EOFError, Unavailable) as error:
                    if self._hearing.is_set():
                        failures = 0
                    _log.warning("%s: channel %r was lost: %s", self._server.name, self._channel, error)
                finally:
                    self._hearing.clear()
                    await self._server.discard(connection)
            # The network's own time, whatever clock the adapters have.
            await asyncio.sleep(_back_off(failures))
            failures += 1

    async def _hear(self, connection: AbstractConnection) -> None:
        await connection.send_command("SUBSCRIBE", self._channel)
        asked = False
        while True:
            patience = (
                self._server.settings.command_timeout if asked or not self.is_hearing else _PING_SECONDS
            )
            answer = cast(
                "list[Any] | None",
                await connection.read_response(timeout=patience, disconnect_on_error=False),
            )
            if answer is None:
                if asked or not self.is_hearing:
                    raise Unavailable("no answer in time")
                await connection.send_command("PING")
                asked = True
                continue
            asked = False
            # Else it is a pong.
            if answer[0] == b"message":
                self._on_message(answer[2])
            elif answer[0] == b"subscribe":
                self._hearing.set()
                self._on_hearing()


def _back_off(failures: int) -> float:
    longest: float = min(_LONGEST_BACK_OFF, _FIRST_BACK_OFF * 2.0 ** min(failures, 10))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
