"""What only the database and Redis know, read from time to time by one task: however often somebody scrapes, they are
asked no more often, and a scrape waits for neither.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar

from ...ports.errors import PortError

if TYPE_CHECKING:
    from ...ports.queries import JobStats
    from ..wiring import App
    from ..wiring_parts import RedisLoad
    from .measures import Measures

T = TypeVar("T")

_PATIENCE = 5.0
"""Seconds for each of them."""
_BEAT = 1.0
_BEATS = 15


class Figures:
    """As they were last read: at `read_at` by the monotonic clock, None before the first time."""

    def __init__(self) -> None:
        self.read_at: float | None = None
        self.database: dict[str, object] = {"connected": False}
        self.jobs: JobStats | None = None
        self.redis: RedisLoad | None = None

    @property
    def database_up(self) -> bool:
        return bool(self.database.get("connected"))


async def keep_reading(app: App, measures: Measures, figures: Figures, every: float) -> None:
    """Until cancelled. What fails is a figure as well, and is read again."""
    while True:
        try:
            await read(app, measures, figures)
        except Exception:
            app.log.warning("figures could not be read, will try again", exc_info=True)
        await app.clock.sleep(every)


async def read(app: App, measures: Measures, figures: Figures) -> None:
    if not await _read_database(app, figures):
        figures.database = {**figures.database, "connected": False}
    for breaker in app.breakers:
        state = await breaker.status()
        measures.breaker_states[state.name] = state.state
    if app.redis is not None:
        figures.redis = await app.redis.load()
    figures.read_at = app.clock.monotonic()


async def _read_database(app: App, figures: Figures) -> bool:
    """Whether it answered in time. What it still answers later is thrown away."""

    async def ask() -> tuple[dict[str, object], JobStats]:
        return await app.store.health(), await app.store.job_stats()

    answer = await in_time(asyncio.create_task(ask(), name="figures"), _PATIENCE)
    if answer is None:
        return False
    figures.database, figures.jobs = answer
    return True


async def in_time(asking: asyncio.Task[T], patience: float) -> T | None:
    """None where it failed or took longer. A timeout alone would not do: whoever cancels a query of a server that says
    nothing waits for its connection to be given up.
    """
    try:
        done, _ = await asyncio.wait([asking], timeout=patience)
    except asyncio.CancelledError:
        asking.cancel()
        raise
    if not done:
        asking.cancel()
        asking.add_done_callback(_forget)
        return None
    try:
        return asking.result()
    except PortError:
        return None


def _forget(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()


async def watch_loop(measures: Measures) -> None:
    """How late the loop comes to what is due: while one call holds it, all others wait as long. The worst of the last
    beats is kept for as long as a scraper takes to come by.
    """
    loop = asyncio.get_running_loop()
    lags: deque[float] = deque(maxlen=_BEATS)
    while True:
        due = loop.time() + _BEAT
        await asyncio.sleep(_BEAT)
        lags.append(max(0.0, loop.time() - due))
        measures.loop_lag = max(lags)


def waiting_in(database: dict[str, object]) -> dict[str, float]:
    """Queues of the adapter, by what is waited for."""
    found: dict[str, float] = {}
    for name, value in database.items():
        if name.startswith("waiting_") and isinstance(value, int):
            found[name.removeprefix("waiting_")] = value
    return found


def number(database: dict[str, Any], name: str) -> float | None:
    value = database.get(name)
    return float(value) if isinstance(value, int | float) else None
