"""From start to end of a process that serves: signals, what its service manager is told, drain, exit code."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from ..ports.errors import PortError
from .daemon.notify import notifier_from
from .daemon.signals import on_signals
from .supervision import TaskFailed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .daemon.notify import Notifier
    from .logs import Log

OK: Final = 0
DATA_ERROR: Final = 65
SOFTWARE: Final = 70
TEMPORARY: Final = 75
MISCONFIGURED: Final = 78
"""EX_OK, EX_DATAERR, EX_SOFTWARE, EX_TEMPFAIL and EX_CONFIG of sysexits.h, which service managers know."""

_CODES: Final = {"misconfigured": MISCONFIGURED, "corrupt": DATA_ERROR}
_CLOSE: Final = 5.0
"""Beyond the grace for calls in flight: what closing the store and the listener may take."""
_UNWIND: Final = 5.0
_STEPS: Final = 2
"""Signs of life within the time in which the manager wants one."""


class Lifecycle:
    """The first signal (or `stop`) asks `main` to end; it has `grace` seconds for its calls and a few to close. The
    second cancels it at once. What does not end even then is left behind, and said to be.
    """

    def __init__(self, log: Log, *, grace: float, notifier: Notifier | None = None) -> None:
        """Without `notifier`, by the environment that systemd sets."""
        self._log = log
        self._grace = grace
        self._notifier = notifier_from(os.environ) if notifier is None else notifier
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._announced = False
        self._ready = False
        self._checks: list[Callable[[], bool]] = []
        self._beat: asyncio.TimerHandle | None = None

    @property
    def is_stopping(self) -> bool:
        return self._stop.is_set()

    def ready(self, status: str = "") -> None:
        """Everything works: the manager may start what waits for this. From now on it gets signs of life."""
        if self._announced:
            return
        self._notifier.tell("READY=1", *_status(status))
        if not self._ready:
            self._ready = True
            self._live()

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._notifier.tell(*_status(text))

    def stopping(self, status: str = "") -> None:
        """Tell the manager that the end has begun. Once."""
        if not self._announced:
            self._announced = True
            self._notifier.tell("STOPPING=1", *_status(status))

    def stop(self) -> None:
        """What a signal does."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    async def stopped(self) -> None:
        """Return once the process is to end."""
        await self._stop.wait()

    def watch(self, check: Callable[[], bool]) -> None:
        """While `check` says False, or the loop does not turn, the manager gets no sign of life."""
        self._checks.append(check)

    async def run(self, main: Callable[[], Awaitable[None]]) -> int:
        """`main` opens everything, calls `ready`, waits for `stopped`, and drains. Returns the exit code."""
        task = asyncio.ensure_future(_awaited(main))
        try:
            with on_signals(self.stop):
                if not await self._attend(task):
                    _give_up()
        finally:
            if not task.done():  # this one was cancelled itself
                task.cancel()
                await asyncio.shield(asyncio.wait([task], timeout=_UNWIND))
            if self._beat is not None:
                self._beat.cancel()
            self._notifier.close()
        return self._outcome(task)

    async def _attend(self, task: asyncio.Future[None]) -> bool:
        """Whether `task` has ended."""
        await _first(task, self._stop)
        if self.is_stopping:
            self.stopping("draining")
        if not task.done():
            await _first(task, self._hurry, timeout=self._grace + _CLOSE)
        if not task.done():
            self._log.warning(
                "what still runs is cancelled", after="signal" if self._hurry.is_set() else "grace"
            )
            task.cancel()
            await asyncio.wait([task], timeout=_UNWIND)
        if not task.done():
            self._log.error("something does not react to being cancelled: the process ends without it")
        return task.done()

    def _outcome(self, task: asyncio.Future[None]) -> int:
        if task.cancelled():
            return OK
        error = task.exception()
        if error is None:
            return OK
        code, reason = exit_code(error)
        self._log.error(f"ended: {reason}", code=code, exc_info=error if code == SOFTWARE else None)
        return code

    def _live(self) -> None:
        every = self._notifier.watchdog
        if every is None:
            return
        if all(check() for check in self._checks):
            self._notifier.tell("WATCHDOG=1")
        else:
            self._log.error("a check of this process failed: the watchdog gets no sign of life")
        self._beat = asyncio.get_running_loop().call_later(every / _STEPS, self._live)


def exit_code(error: BaseException) -> tuple[int, str]:
    """Of the first cause: groups are opened, and a task that failed is judged by its own error."""
    first = _first_of(error)
    cause = first.__cause__ if isinstance(first, TaskFailed) else None
    known = first if isinstance(first, PortError) else cause
    reason = f"{first}: {cause}" if cause is not None else str(first) or type(first).__name__
    if isinstance(known, PortError):
        code = _CODES.get(known.code, TEMPORARY if known.retryable else SOFTWARE)
        return code, f"{known.code}: {reason}"
    return SOFTWARE, f"{type(first).__name__}: {reason}"


def _first_of(error: BaseException) -> BaseException:
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return _first_of(group.exceptions[0])
    return error


def _give_up() -> NoReturn:
    """The loop itself would wait for ever for a task that does not end. What was acknowledged is on disk."""
    sys.stderr.flush()
    os._exit(SOFTWARE)


async def _awaited(main: Callable[[], Awaitable[None]]) -> None:
    await main()


async def _first(task: asyncio.Future[None], event: asyncio.Event, timeout: float | None = None) -> None:  # noqa: ASYNC109 - passed on
    waiter = asyncio.ensure_future(event.wait())
    try:
        either: list[asyncio.Future[Any]] = [task, waiter]
        await asyncio.wait(either, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiter.cancel()


def _status(text: str) -> tuple[str, ...]:
    return (f"STATUS={text}",) if text else ()
