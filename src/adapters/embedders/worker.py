"""A thread that owns a model: loads it when first asked, and works for the event loop, one call at a time."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeVar

from ...ports.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

Model = TypeVar("Model")
T = TypeVar("T")

_CLOSING_SECONDS = 10.0


class _Call(NamedTuple):
    work: Callable[[Any], Any]
    future: asyncio.Future[Any]


class Worker(Generic[Model]):
    """`load` and every call run on the thread, which starts with the first call. `mapped` turns what either raised into
    what the caller gets. A load that failed is tried again by the next call.
    """

    def __init__(
        self, load: Callable[[], Model], *, name: str, mapped: Callable[[Exception], Exception]
    ) -> None:
        self._load = load
        self._name = name
        self._mapped = mapped
        self.model: Model | None = None
        self._urgent: deque[_Call] = deque()
        self._patient: deque[_Call] = deque()
        self._bell: SimpleQueue[Literal["work", "end"]] = SimpleQueue()
        self._running: tuple[asyncio.AbstractEventLoop, threading.Thread, asyncio.Future[None]] | None = None
        self._closed = False

    async def call(self, work: Callable[[Model], T], *, urgent: bool = False) -> T:
        """Urgent calls go before all others that wait. Dropped if cancelled before it began."""
        if self._closed:
            raise Unavailable(f"{self._name}: closed")
        loop = self._running[0] if self._running else self._start()
        future: asyncio.Future[T] = loop.create_future()
        (self._urgent if urgent else self._patient).append(_Call(work, future))
        self._bell.put("work")
        return await future

    async def close(self) -> None:
        """Waits for the call that runs, some seconds at most, even while cancelled. Those that wait are refused."""
        self._closed = True
        if self._running is None:
            return
        loop, thread, last = self._running
        for call in (*self._urgent, *self._patient):
            _settle(call.future, None, Unavailable(f"{self._name}: closed"))
        self._bell.put("end")
        cancelled: asyncio.CancelledError | None = None
        deadline = loop.time() + _CLOSING_SECONDS
        while not last.done() and (left := deadline - loop.time()) > 0:
            try:
                await asyncio.wait((last,), timeout=left)
            except asyncio.CancelledError as error:
                cancelled = error
        if last.done():
            thread.join()
        self.model = None
        if cancelled is not None:
            raise cancelled

    def _start(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        last: asyncio.Future[None] = loop.create_future()
        thread = threading.Thread(target=self._main, args=(loop, last), name=self._name, daemon=True)
        self._running = loop, thread, last
        thread.start()
        return loop

    def _main(self, loop: asyncio.AbstractEventLoop, last: asyncio.Future[None]) -> None:
        while self._bell.get() == "work":
            call = self._urgent.popleft() if self._urgent else self._patient.popleft()
            if not call.future.done():
                self._serve(loop, call)
            del call
        _tell(loop, last, None, None)

    def _serve(self, loop: asyncio.AbstractEventLoop, call: _Call) -> None:
        try:
            if self.model is None:
                self.model = self._load()
            result = call.work(self.model)
        except Exception as error:  # noqa: BLE001 - it is this caller's answer
            mapped = self._mapped(error)
            if mapped is not error:
                mapped.__cause__ = error
            _tell(loop, call.future, None, mapped)
        else:
            _tell(loop, call.future, result, None)


def _tell(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any], result: object, error: Exception | None
) -> None:
    try:
        loop.call_soon_threadsafe(_settle, future, result, error)
    except RuntimeError:  # The loop has ended: nobody listens.
        if not loop.is_closed():
            raise


def _settle(future: asyncio.Future[Any], result: object, error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
