"""What one instance publishes: numbered, in order, and what may not have arrived is said as soon as it can be."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from ...ports.errors import PortError, Unavailable
from .ending import end
from .event_bus_message import portions, to_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...ports.records import Event
    from .connection import RedisServer

_MOST_AT_ONCE = 64
_FIRST_BACK_OFF = 0.1
_LONGEST_BACK_OFF = 5.0
_CLOSING_SECONDS = 2.0


class _Request:
    __slots__ = ("answer", "last", "messages")

    def __init__(self, messages: list[bytes], last: int, answer: asyncio.Future[None]) -> None:
        self.messages = messages
        self.last = last
        self.answer = answer


class Outlet:
    """One at a time goes to the server, so that numbers arrive in their order. `on_failure` is told before the caller.

    After a failure nobody knows whether others got the message. They would notice with the next one; so that they need
    not wait for it, a message without events follows once the server is back.
    """

    def __init__(self, server: RedisServer, channel: str, *, on_failure: Callable[[PortError], None]) -> None:
        self.in_doubt = 0
        """The number of the last message that may not have arrived."""
        self._server = server
        self._channel = channel
        self._instance = ""
        self._on_failure = on_failure
        self._number = 0
        self._owes_notice = False
        self._requests: asyncio.Queue[_Request] = asyncio.Queue()
        self._closed = True
        self._worker: asyncio.Task[None] | None = None

    def start(self, instance: str) -> None:
        """Numbers begin anew, under a new name."""
        self._instance = instance
        self._number = self.in_doubt = 0
        self._owes_notice = False
        self._closed = False
        self._worker = asyncio.create_task(self._work(), name=f"publisher {self._server.name}")

    async def close(self) -> None:
        """What was handed in is answered, if the server is there."""
        self._closed = True
        worker, self._worker = self._worker, None
        if worker is None:
            return
        try:
            async with asyncio.timeout(_CLOSING_SECONDS):
                await self._requests.join()
        except TimeoutError:
            pass
        finally:
            await end((worker,))
            while not self._requests.empty():
                _fail(self._requests.get_nowait().answer, Unavailable(f"{self._server.name}: closed"))

    async def publish(self, events: Sequence[Event]) -> None:
        """Cancelled, it is published all the same."""
        if self._closed:
            raise Unavailable("event bus: closed")
        number = self._number
        messages = [
            to_bytes(self._instance, number + index, portion)
            for index, portion in enumerate(portions(events), start=1)
        ]
        self._number += len(messages)
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests.put_nowait(_Request(messages, self._number, answer))
        await asyncio.shield(answer)

    async def _work(self) -> None:
        failures = 0
        while True:
            requests = await self._next(failures)
            messages = [message for request in requests for message in request.messages]
            if self._owes_notice:
                messages.insert(0, to_bytes(self._instance, self.in_doubt, (), lost=True))
            try:
                await self._server.execute_all(
                    [("PUBLISH", self._channel, message) for message in messages], again=False
                )
            except PortError as error:
                failures += 1
                self._doubt(requests, error)
            except asyncio.CancelledError:
                self._doubt(requests, Unavailable(f"{self._server.name}: closed"))
                raise
            else:
                failures = 0
                self._owes_notice = False
                for request in requests:
                    if not request.answer.done():
                        request.answer.set_result(None)
            finally:
                for _ in requests:
                    self._requests.task_done()

    async def _next(self, failures: int) -> list[_Request]:
        """Those that wait. None of them, when a notice is due."""
        requests: list[_Request] = []
        try:
            async with asyncio.timeout(_back_off(failures) if self._owes_notice else None):
                requests.append(await self._requests.get())
        except TimeoutError:
            return requests
        while len(requests) < _MOST_AT_ONCE and not self._requests.empty():
            requests.append(self._requests.get_nowait())
        return requests

    def _doubt(self, requests: list[_Request], error: PortError) -> None:
        """Whatever the reason, for a call under way it is an outage."""
        if not requests:
            return
        self.in_doubt = requests[-1].last
        self._owes_notice = True
        self._on_failure(error)
        for request in requests:
            refusal = Unavailable(str(error))
            refusal.__cause__ = error
            _fail(request.answer, refusal)


def _fail(answer: asyncio.Future[None], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
        answer.exception()  # who asked may have gone; asyncio would report what nobody picked up


def _back_off(failures: int) -> float:
    """Doubling, and never twice the same: clients that lost one server must not all come back at once."""
    longest: float = min(_LONGEST_BACK_OFF, _FIRST_BACK_OFF * 2.0 ** min(failures, 10))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
