"""How much time may go into something that is worth having, but not at any price."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...ports.clock import Clock

_SHARE = 0.1
_MOST = 0.25
"""Seconds: some fifty looks, so that an agent which remembers a few things in a row is told of each."""


class Allowance:
    """A tenth of the time that passes, saved up to a quarter of a second. What takes long is paid for afterwards."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left = _MOST
        self._at = clock.monotonic()

    @property
    def left(self) -> bool:
        self._earn()
        return self._left > 0

    def spend(self, seconds: float) -> None:
        self._earn()
        self._left -= seconds

    def _earn(self) -> None:
        now = self._clock.monotonic()
        self._left = min(_MOST, self._left + (now - self._at) * _SHARE)
        self._at = now
