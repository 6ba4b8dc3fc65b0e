"""UUIDv7 (RFC 9562, section 5.7) with a counter, so that ids made by one source ascend strictly."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_COUNTER_BITS = 42  # 12 of rand_a and 30 of rand_b count; 32 stay random in every id


class IdSource:
    """`millis` gives Unix milliseconds; `random_bits(n)` n unpredictable bits.

    Within one millisecond, and while the clock stands or goes back, ids count up from a random start (RFC
    9562, section 6.2, method 1).
    """

    def __init__(self, millis: Callable[[], int], random_bits: Callable[[int], int]) -> None:
        self._millis = millis
        self._random_bits = random_bits
        self._last = -1
        self._counter = 0

    def __call__(self) -> str:
        now = self._millis()
        if now > self._last:
            self._last = now
            self._counter = self._random_bits(_COUNTER_BITS - 1)
        else:
            self._counter += 1
            if self._counter >> _COUNTER_BITS:
                self._last += 1
                self._counter = 0
        high = self._counter >> 30
        low = (self._counter & 0x3FFFFFFF) << 32 | self._random_bits(32)
        return uuid7(self._last, high << 62 | low)


def uuid7(millis: int, rest: int) -> str:
    """The 74 bits of `rest` behind the 48 of `millis`."""
    text = f"{millis:012x}7{rest >> 62:03x}{0x8 << 60 | rest & ((1 << 62) - 1):016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def is_id(text: str) -> bool:
    """Whether the text has the form of an id: any UUID in canonical lower case."""
    if len(text) != 36:
        return False
    groups = text.split("-")
    return [len(g) for g in groups] == [8, 4, 4, 4, 12] and set("".join(groups)) <= set("0123456789abcdef")
