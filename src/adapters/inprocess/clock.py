from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Timers of an event loop may fire early by its resolution (uvloop: a millisecond); this one never does."""
        until = time.monotonic() + seconds
        await asyncio.sleep(seconds)
        while (left := until - time.monotonic()) > 0:  # noqa: ASYNC110 - only time is waited for
            await asyncio.sleep(left)
