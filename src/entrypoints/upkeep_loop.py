"""Upkeep in the embedded shape: the process that serves also does the due jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.upkeep import expire_due, trim_outbox

if TYPE_CHECKING:
    from .wiring import App

_FIRST_SECONDS = 2.0
"""A client is waiting for the first answers just then."""
_EVERY_SECONDS = 15.0
_TRIM_EVERY = 240
"""Rounds: about once an hour."""


async def keep_up(app: App) -> None:
    """Until cancelled. A round that fails is reported and tried again; it stops nothing else."""
    await app.clock.sleep(_FIRST_SECONDS)
    turn = 0
    while True:
        try:
            while await expire_due(app.storage, owner=app.instance, now=app.clock.now()):
                pass
            if turn % _TRIM_EVERY == 0:
                await trim_outbox(app.storage)
        except Exception:
            app.log.warning("upkeep failed, will try again", exc_info=True)
        turn += 1
        await app.clock.sleep(_EVERY_SECONDS)
