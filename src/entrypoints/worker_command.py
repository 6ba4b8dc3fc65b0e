"""`agent-memory worker`: jobs, schedules and backups in a process of their own, which may serve clients as well."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ..ports.errors import PortError
from .commands.output import complain
from .event_loop import run as run_loop
from .lifecycle import Lifecycle, exit_code
from .logs import make_log
from .settings_metrics import is_measured, worker_metrics
from .supervision import supervise
from .wiring import open_app
from .work import Work, make_work

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager

    from .listener import Listener
    from .logs import Log
    from .observability.observed import Observed
    from .settings import Reading, Settings
    from .wiring import App

    Compose = Callable[["App", "WorkerOptions"], Work]


class WorkerOptions(msgspec.Struct, frozen=True, kw_only=True):
    """`concurrency` None: as set. `once`: do what is due and end. `listen`: serve clients at this path, or where they
    look for a daemon if it is empty; None: serve nobody.
    """

    concurrency: int | None = None
    once: bool = False
    listen: str | None = None


def run(reading: Reading, options: WorkerOptions, compose: Compose | None = None) -> int:
    """Work until a signal comes; the exit code. `compose`: other work than this program's own."""
    log = make_log(reading.settings)
    log.take_over()
    for warning in reading.warnings:
        log.warning(warning)
    main = _once if options.once else _live
    return run_loop(main(reading, options, log, compose or work_of), reading.settings.event_loop)


def work_of(app: App, options: WorkerOptions) -> Work:
    settings = app.settings
    if settings.backup_every and not app.storage.capabilities.backups:
        app.log.warning("BACKUP_EVERY_HOURS has no effect on this store: back it up with its own tools")
    return make_work(app, poll=settings.worker_poll, most=options.concurrency or settings.worker_concurrency)


async def _once(reading: Reading, options: WorkerOptions, log: Log, compose: Compose) -> int:
    try:
        async with open_app(reading.settings, log) as app:
            failed = await compose(app, options).once()
    except (PortError, ExceptionGroup) as error:
        code, reason = exit_code(error)
        complain(reason)
        return code
    return 1 if failed else 0


async def _live(reading: Reading, options: WorkerOptions, log: Log, compose: Compose) -> int:
    life = Lifecycle(log, grace=reading.settings.drain_timeout)
    return await life.run(lambda: _serve(life, reading, options, log, compose))


async def _serve(
    life: Lifecycle, reading: Reading, options: WorkerOptions, log: Log, compose: Compose
) -> None:
    settings = worker_metrics(reading.settings)
    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(open_app(settings, log))
        watched = await stack.enter_async_context(
            # The usual port may be another worker's; one that was asked for must be had.
            _observed(app, settings, log, must_listen=reading.settings.metrics_port is not None)
        )
        work = compose(app, options)
        async with asyncio.TaskGroup() as group:
            working = supervise(group, "work", work.run, log=log)
            async with _listening(app, options) as listener:
                life.ready(_doing(app, listener))
                await life.stopped()
                life.stopping(f"{work.runner.running} batches of jobs in flight")
                if watched is not None:
                    watched.drain()
                ending = group.create_task(_finish(work, settings.drain_timeout), name="drain")
            await ending
            working.cancel()


async def _finish(work: Work, grace: float) -> None:
    """What is not done by then is left to its leases, and done again by whoever finds it."""
    with suppress(TimeoutError):
        async with asyncio.timeout(grace):
            await work.finish()


def _doing(app: App, listener: Listener | None) -> str:
    return f"working on {app.settings.place}" + ("" if listener is None else ", serving clients")


def _observed(
    app: App, settings: Settings, log: Log, *, must_listen: bool
) -> AbstractAsyncContextManager[Observed | None]:
    if not is_measured(settings):
        return nullcontext()
    from .observability.observed import observed  # noqa: PLC0415 - where somebody looks

    return observed(app, settings, log, must_listen=must_listen)


@asynccontextmanager
async def _listening(app: App, options: WorkerOptions) -> AsyncGenerator[Listener | None]:
    if options.listen is None:
        yield None
        return
    from .daemon.sockets import inherited_socket  # noqa: PLC0415 - where clients are served
    from .listener import listening  # noqa: PLC0415 - same
    from .mcp_command import make_server  # noqa: PLC0415 - same

    inherited = inherited_socket(os.environ)
    where = _place(options.listen, inherited, app.settings)
    async with listening(app, make_server(app), where) as listener:
        app.log.info("serving clients", socket=str(where))
        yield listener


def _place(asked: str, inherited: int | None, settings: Settings) -> Path | int:
    if asked:
        return Path(asked).absolute()
    return Path(settings.daemon_sockets[0]) if inherited is None else inherited
