"""Cuts a byte stream into lines, in bounded memory."""

from __future__ import annotations


class Lines:
    """A line longer than `limit` bytes (its newline not counted) comes out as None, as soon as it is too long;
    the rest of it is skipped.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._partial = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> list[bytes | None]:
        *whole, rest = data.split(b"\n")
        lines: list[bytes | None] = []
        for piece in whole:
            if self._skipping:
                self._skipping = False
            elif self._partial:
                self._partial += piece
                lines.append(self._whole(bytes(self._partial)))
                self._partial.clear()
            else:
                lines.append(self._whole(piece))
        if rest and not self._skipping:
            self._partial += rest
            if len(self._partial) > self._limit:
                self._partial.clear()
                self._skipping = True
                lines.append(None)
        return lines

    def end(self) -> list[bytes | None]:
        """The last line, where the stream ended without its newline."""
        rest = bytes(self._partial)
        self._partial.clear()
        self._skipping = False
        return [rest] if rest else []

    def _whole(self, line: bytes) -> bytes | None:
        return line if len(line) <= self._limit else None
