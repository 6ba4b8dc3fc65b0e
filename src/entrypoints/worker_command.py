"""`agent-memory worker`: jobs, schedules and backups in a process of their own."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from ..ports.errors import PortError
from .event_loop import run as run_loop
from .logs import Log
from .wiring import open_app
from .work import Work, make_work

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

    from .settings import Reading
    from .wiring import App

EXIT_TEMPORARY = 75
EXIT_MISCONFIGURED = 78
"""EX_TEMPFAIL and EX_CONFIG of sysexits.h, which service supervisors know."""
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class WorkerOptions(msgspec.Struct, frozen=True, kw_only=True):
    """`concurrency` None: as set. `once`: do what is due and end."""

    concurrency: int | None = None
    once: bool = False


def run(
    reading: Reading, options: WorkerOptions, compose: Callable[[App, WorkerOptions], Work] | None = None
) -> int:
    """Work until a signal comes; the exit code. `compose`: other work than this program's own."""
    log = Log(reading.settings.log_level)
    log.take_over()
    for warning in reading.warnings:
        log.warning(warning)
    try:
        run_loop(_run(reading, options, log, compose or work_of), reading.settings.event_loop)
    except PortError as error:
        sys.stderr.write(f"agent-memory: {error.code}: {error}\n")
        return EXIT_TEMPORARY if error.retryable else EXIT_MISCONFIGURED
    return 0


async def _run(
    reading: Reading, options: WorkerOptions, log: Log, compose: Callable[[App, WorkerOptions], Work]
) -> None:
    async with open_app(reading.settings, log) as app:
        work = compose(app, options)
        if options.once:
            await work.once()
        else:
            await serve(app, work)


def work_of(app: App, options: WorkerOptions) -> Work:
    settings = app.settings
    if settings.backup_every and not app.storage.capabilities.backups:
        app.log.warning("BACKUP_EVERY_HOURS has no effect on this store: back it up with its own tools")
    return make_work(app, poll=settings.worker_poll, most=options.concurrency or settings.worker_concurrency)


async def serve(app: App, work: Work) -> None:
    """Until a signal: the first lets what runs end within the grace, the second cancels it."""
    told = asyncio.Event()
    again = asyncio.Event()

    def stop() -> None:
        (again if told.is_set() else told).set()

    async def wait_for_signal() -> None:
        await told.wait()
        app.log.info("stopping", running=work.runner.running)
        try:
            async with asyncio.timeout(app.settings.drain_timeout):
                await _first(work.finish(), again.wait())
        except TimeoutError:
            app.log.warning("what still runs is left to its leases", running=work.runner.running)

    with _on_signals(stop):
        app.log.info("working", store=app.settings.place, instance=app.instance)
        async with asyncio.TaskGroup() as group:
            working = group.create_task(work.run(), name="work")
            await wait_for_signal()
            working.cancel()


async def _first(*waits: Coroutine[Any, Any, object]) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


@contextmanager
def _on_signals(handler: Callable[[], None]) -> Generator[None]:
    loop = asyncio.get_running_loop()
    former = {number: signal.getsignal(number) for number in _SIGNALS}
    for number in _SIGNALS:
        loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, former[number] or signal.SIG_DFL)
