"""Sleep that can be cut short, for adapters whose callers wait."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .clock import Clock


class Sleeper:
    """Asleep until woken or a moment comes. A wake-up that comes early is kept."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._woken = False
        self._alarm: asyncio.Task[None] | None = None

    def wake(self) -> None:
        self._woken = True
        if self._alarm is not None:
            self._alarm.cancel()

    async def doze(self, seconds: float) -> bool:
        """Whether it was woken."""
        if not self._woken:
            self._alarm = asyncio.create_task(self._until(self._clock.monotonic() + seconds))
            try:
                await asyncio.wait((self._alarm,))
            finally:
                self._alarm.cancel()
                self._alarm = None
        woken, self._woken = self._woken, False
        return woken

    async def _until(self, moment: float) -> None:
        """It may begin late, and is not to end later for that."""
        await self._clock.sleep(moment - self._clock.monotonic())
