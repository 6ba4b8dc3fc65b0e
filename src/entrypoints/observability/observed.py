"""All of it, for as long as an app is open: the port, the tasks that read figures, lines and traces."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from ...ports.errors import Misconfigured
from .events import listen
from .figures import Figures, keep_reading, read, watch_loop
from .http import Page, json_page, serving
from .measures import Measures
from .perf import CallLines
from .readiness import Readiness, check_alive

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping, Sequence
    from contextlib import AbstractContextManager

    from ..logs import Log
    from ..settings import Settings
    from ..wiring import App
    from .http import Pages
    from .traces import Tracing


_CLOSING_SECONDS = 2.0


class Observed:
    """`port` is None where nothing is served. `figures` are what is known of the database and of Redis."""

    def __init__(self, measures: Measures, figures: Figures, readiness: Readiness) -> None:
        self.measures = measures
        self.figures = figures
        self.port: int | None = None
        self._readiness = readiness

    def drain(self) -> None:
        """From now on `/readyz` says that this process is about to end."""
        self._readiness.draining = True


@asynccontextmanager
async def observed(
    app: App, settings: Settings, log: Log, *, must_listen: bool = True
) -> AsyncGenerator[Observed]:
    """`app` was opened with these `settings`. `Misconfigured` when the port cannot be had, unless it need not be: then
    that is a line in the log, and all else goes on. Nothing at all where nothing is to be measured.
    """
    measures, figures, readiness = _measures_of(app), Figures(), Readiness(app)
    watched = Observed(measures, figures, readiness)
    if not isinstance(app.measuring, Measures):
        yield watched
        return
    async with AsyncExitStack() as stack:
        if settings.traces:
            measures.tracing = stack.enter_context(_tracing())
        for breaker in app.breakers:
            breaker.on_transition(measures.note_transition)
        if settings.perf:
            measures.tell = CallLines(log, measures, figures).tell
        await read(app, measures, figures)
        if settings.metrics_port:
            await readiness.open()
            stack.push_async_callback(readiness.close)
            pages = _pages(app, log, watched, readiness)
            watched.port = await _listen(pages, settings, log, stack, must_listen=must_listen)
        work = [keep_reading(app, measures, figures, settings.metrics_refresh)]
        if watched.port is not None:
            work += [watch_loop(measures), listen(app, measures)]
        await stack.enter_async_context(_running(work))
        yield watched


def _measures_of(app: App) -> Measures:
    return app.measuring if isinstance(app.measuring, Measures) else Measures()


async def _listen(
    pages: Pages, settings: Settings, log: Log, stack: AsyncExitStack, *, must_listen: bool
) -> int | None:
    host = settings.metrics_host
    try:
        port = await stack.enter_async_context(serving(pages, host, settings.metrics_port or 0))
    except Misconfigured as error:
        if must_listen:
            raise
        log.warning(str(error))
        return None
    log.info("metrics are served", host=host, port=port)
    return port


def _pages(app: App, log: Log, watched: Observed, readiness: Readiness) -> Pages:
    async def healthz(_headers: Mapping[str, str]) -> Page:
        check = check_alive(watched.measures)
        return json_page(check, _status(ok=not check.problems))

    async def readyz(_headers: Mapping[str, str]) -> Page:
        check = await readiness.check()
        return json_page(check, _status(ok=not check.problems))

    async def no_metrics(_headers: Mapping[str, str]) -> Page:
        return json_page({"status": "unavailable", "problems": [_MISSING]}, HTTPStatus.NOT_IMPLEMENTED)

    metrics: Callable[[Mapping[str, str]], Awaitable[Page]] = no_metrics
    try:
        from .exposition import Exposition  # noqa: PLC0415 - needs the library
    except ModuleNotFoundError as error:
        if error.name != "prometheus_client":
            raise
        log.warning(_MISSING)
    else:
        metrics = Exposition(app, watched.measures, watched.figures).page
    return {"/metrics": metrics, "/healthz": healthz, "/readyz": readyz}


_MISSING = "/metrics needs prometheus-client: install agent-memory[metrics]"


def _status(*, ok: bool) -> HTTPStatus:
    return HTTPStatus.OK if ok else HTTPStatus.SERVICE_UNAVAILABLE


def _tracing() -> AbstractContextManager[Tracing]:
    try:
        from .traces import tracing  # noqa: PLC0415 - needs the library
    except ModuleNotFoundError as error:
        raise Misconfigured(
            "traces are wanted (OTEL_*), and OpenTelemetry is not installed: install agent-memory[otel], "
            "or set OTEL_SDK_DISABLED=true"
        ) from error
    return tracing()


@asynccontextmanager
async def _running(work: Sequence[Coroutine[None, None, None]]) -> AsyncGenerator[None]:
    """Each has its own way with what fails; all end with the block."""
    tasks = [asyncio.create_task(one, name="observability") for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=_CLOSING_SECONDS)
