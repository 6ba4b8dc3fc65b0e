"""Unpredictable bits, taken from the system some hundred at a time.

Each call for them lets go of the interpreter, and where another thread waits for that, as the one that writes does
while many calls are under way, it is some ten microseconds before it comes back.
"""

from __future__ import annotations

import os

_BYTES = 256


class Entropy:
    """For one thread. A process that forks must make its own: both would go on with the same bits."""

    def __init__(self) -> None:
        self._pool = 0
        self._left = 0

    def bits(self, count: int) -> int:
        """A number of so many bits, at most 2,048; each of them is given once."""
        if count > self._left:
            self._pool = int.from_bytes(os.urandom(_BYTES))
            self._left = _BYTES * 8
        value = self._pool & ((1 << count) - 1)
        self._pool >>= count
        self._left -= count
        return value
