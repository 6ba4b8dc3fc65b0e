"""Upkeep in the embedded shape: the process that serves also does the work of a worker, in no hurry."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .wiring import App

_FIRST_SECONDS = 2.0
"""A client is waiting for the first answers just then."""
_EVERY_SECONDS = 15.0
"""Nothing that recall shows waits for it."""


async def keep_up(app: App) -> None:
    """Until cancelled. What fails is reported and tried again; it stops nothing else."""
    await app.clock.sleep(_FIRST_SECONDS)
    from .work import make_work  # noqa: PLC0415 - not while a client waits

    while True:
        try:
            await make_work(app, poll=_EVERY_SECONDS, most=1, watches=False).run()
        except Exception:
            app.log.warning("upkeep failed, will try again", exc_info=True)
        await app.clock.sleep(_EVERY_SECONDS)
