"""Time, as a dependency, so that tests own it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


class Clock(Protocol):
    def now(self) -> datetime:
        """The wall clock: an aware UTC instant. It may step backwards."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary origin; never goes back. Only differences mean anything."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return once `monotonic()` has advanced by at least `seconds`. Cancellable."""
        ...
