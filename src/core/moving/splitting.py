"""JSON in parts: the members of one object, and the elements of its arrays, without the whole of it in memory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from ...ports.errors import Rejected
from .records import DEPTH, LINE_BYTES

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    Steps = Generator["tuple[str, bytes] | None"]

_BLANK = re.compile(rb"[ \t\r\n]*")
_STRUCTURE = re.compile(rb'["{}\[\]]')
_IN_STRING = re.compile(rb'["\\]')
_SCALAR_END = re.compile(rb"[,\]}\s]")


class JsonSplitter:
    """`feed` gives (member, JSON text) of each element of a member that is an array, and of each other member.

    Only where values begin and end is judged here; what is in them, by whoever decodes them.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0
        self._steps = self._object()
        self.done = False
        """Whether the object has ended."""

    def feed(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        self._buffer += data
        for step in self._steps:
            if step is None:
                return
            yield step

    def _object(self) -> Steps:
        yield from self._expect(b"{")
        first = yield from self._peek()
        while first != b"}":
            name: str = self._decoded((yield from self._value()))
            yield from self._expect(b":")
            if (yield from self._peek()) == b"[":
                yield from self._array(name)
            else:
                yield name, (yield from self._value())
            first = yield from self._peek()
            if first == b",":
                self._at += 1
                first = b""
            elif first != b"}":
                raise self._wrong("',' or '}'")
        self._at += 1
        self.done = True
        while True:
            if self._buffer[self._at :].strip():
                raise Rejected("content: something follows the end of the export", "content")
            self._buffer.clear()
            self._at = 0
            yield None

    def _array(self, name: str) -> Steps:
        self._at += 1
        first = yield from self._peek()
        while first != b"]":
            yield name, (yield from self._value())
            first = yield from self._peek()
            if first == b",":
                self._at += 1
                if (yield from self._peek()) == b"]":
                    raise self._wrong("a value")
            elif first != b"]":
                raise self._wrong("',' or ']'")
        self._at += 1

    def _peek(self) -> Generator[None, None, bytes]:
        """The next byte that is no blank; those before it are done with."""
        while True:
            blank = _BLANK.match(self._buffer, self._at)
            assert blank is not None
            del self._buffer[: blank.end()]
            self._at = 0
            if self._buffer:
                return bytes(self._buffer[:1])
            yield None

    def _expect(self, wanted: bytes) -> Generator[None]:
        if (yield from self._peek()) != wanted:
            raise self._wrong(repr(wanted.decode()))
        self._at += 1

    def _value(self) -> Generator[None, None, bytes]:
        first = yield from self._peek()
        if first == b'"':
            end = yield from self._string_end(1)
        elif first in {b"{", b"["}:
            end = yield from self._nested_end()
        else:
            while (found := _SCALAR_END.search(self._buffer, self._at)) is None:
                yield from self._more()
            end = found.start()
            if not end:
                raise self._wrong("a value")
        value = bytes(self._buffer[:end])
        self._at = end
        return value

    def _nested_end(self) -> Generator[None, None, int]:
        depth, at = 0, 0
        while True:
            found = _STRUCTURE.search(self._buffer, at)
            if found is None:
                at = len(self._buffer)
                yield from self._more()
                continue
            at = found.end()
            mark = found[0]
            if mark == b'"':
                at = yield from self._string_end(at)
            elif mark in {b"{", b"["}:
                depth += 1
                if depth > DEPTH:
                    raise Rejected(f"content: nested deeper than {DEPTH} levels", "content")
            else:
                depth -= 1
                if not depth:
                    return at

    def _string_end(self, at: int) -> Generator[None, None, int]:
        while True:
            found = _IN_STRING.search(self._buffer, at)
            if found is None:
                at = max(at, len(self._buffer))
                yield from self._more()
            elif found[0] == b'"':
                return found.end()
            else:
                at = found.end() + 1

    def _more(self) -> Generator[None]:
        if len(self._buffer) > LINE_BYTES:
            raise Rejected(
                f"content: a value of more than {LINE_BYTES} bytes; no record is that long", "content"
            )
        yield None

    def _decoded(self, value: bytes) -> str:
        try:
            return msgspec.json.decode(value, type=str)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._wrong("the name of a member") from None

    def _wrong(self, wanted: str) -> Rejected:
        found = bytes(self._buffer[self._at : self._at + 20]).decode("utf-8", "replace")
        return Rejected(f"content: not an export in JSON: {wanted} was expected at {found!r}", "content")
