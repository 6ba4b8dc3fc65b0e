"""Cuts a byte stream into lines, in bounded memory."""

from __future__ import annotations

from typing import Final, NamedTuple

KEPT: Final = 4096
"""Bytes of either end of an overlong line."""


class Overlong(NamedTuple):
    """What is kept of a line that was too long. The two overlap where it has less than both."""

    first: bytes
    last: bytes


class Lines:
    """A line longer than `limit` bytes (its newline not counted) comes out as its ends, when it is over."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._partial = bytearray()
        self._first: bytes | None = None
        """Of an overlong line; its last bytes are in `_partial` then."""

    def feed(self, data: bytes) -> list[bytes | Overlong]:
        *whole, rest = data.split(b"\n")
        lines: list[bytes | Overlong] = []
        for piece in whole:
            if self._partial:
                self._add(piece)
                lines.append(self._taken())
            else:
                lines.append(self._whole(piece))
        if rest:
            self._add(rest)
        return lines

    def end(self) -> list[bytes | Overlong]:
        """The last line, where the stream ended without its newline."""
        return [self._taken()] if self._partial else []

    def _add(self, piece: bytes) -> None:
        self._partial += piece
        if self._first is None:
            if len(self._partial) <= self._limit:
                return
            self._first = bytes(self._partial[:KEPT])
        elif len(self._first) < KEPT:
            self._first += piece[: KEPT - len(self._first)]
        del self._partial[:-KEPT]

    def _taken(self) -> bytes | Overlong:
        line, first = bytes(self._partial), self._first
        self._partial.clear()
        self._first = None
        return line if first is None else Overlong(first, line)

    def _whole(self, line: bytes) -> bytes | Overlong:
        return line if len(line) <= self._limit else Overlong(line[:KEPT], line[-KEPT:])
