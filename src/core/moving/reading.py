"""An export, read: bytes in, records out, whatever its form. Nothing is taken in that was cut, altered or doubled."""

from __future__ import annotations

from abc import ABC, abstractmethod
from codecs import BOM_UTF8
from typing import TYPE_CHECKING, Protocol

import msgspec

from ...ports.errors import Rejected
from .converting import in_utc
from .records import (
    FORMAT,
    FORMAT_VERSION,
    LINE_BYTES,
    SECTIONS,
    Counts,
    End,
    EntryRecord,
    Header,
    Tally,
    decode_line,
    decode_record,
    encode,
    section_of,
)
from .splitting import JsonSplitter
from .writing import COMMENT, COMMENT_END

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..requests_moving import Format
    from .records import Record

_LINE_SHOWN = 80


class _Form(Protocol):
    def feed(self, data: bytes) -> Iterator[Record | Header | End]: ...

    def close(self) -> Iterator[Record | Header | End]:
        """What the end of the text completes."""
        ...


class ExportReader:
    """`feed` all of it, then `close`, which raises `Rejected` unless format, version, counts and digest are right."""

    def __init__(self, form: Format) -> None:
        forms: dict[Format, type[_Form]] = {"json": _Json, "jsonl": _Lines, "markdown": _Markdown}
        self._form = forms[form]()
        self._tally = Tally()
        self._header: Header | None = None
        self._end: End | None = None
        self._section = 0
        self._start = bytearray()
        self._begun = False

    @property
    def records(self) -> int:
        return self._tally.records

    def feed(self, data: bytes) -> Iterator[Record]:
        """A byte order mark before the first is no part of it."""
        if not self._begun:
            self._start += data
            if len(self._start) < len(BOM_UTF8) and BOM_UTF8.startswith(self._start):
                return
            self._begun, data = True, bytes(self._start).removeprefix(BOM_UTF8)
        yield from self._taken(self._form.feed(data))

    def close(self) -> Iterator[Record]:
        if not self._begun:
            self._begun = True
            yield from self._taken(self._form.feed(bytes(self._start)))
        yield from self._taken(self._form.close())

    def finish(self) -> End:
        """After `close`: what was read, as it says of itself."""
        if self._header is None or self._end is None:
            raise Rejected(
                f"content: it ends after {self.records} records without saying so: a part is missing",
                "content",
            )
        found = self._tally.end
        if found.counts != self._end.counts:
            raise Rejected(
                f"content: it says {_counted(self._end.counts)} and holds {_counted(found.counts)}", "content"
            )
        if found.digest != self._end.digest:
            raise Rejected(
                f"digest: the records have {found.digest}, not {self._end.digest}: they were altered on the way",
                "content",
            )
        return found

    def _taken(self, items: Iterator[Record | Header | End]) -> Iterator[Record]:
        for item in items:
            if isinstance(item, Header):
                self._head(item)
            elif isinstance(item, End):
                self._end = item
            else:
                yield self._record(item)

    def _head(self, header: Header) -> None:
        if header.format != FORMAT:
            raise Rejected(f"format: {header.format[:40]!r}, not {FORMAT!r}", "content")
        if header.version != FORMAT_VERSION:
            raise Rejected(
                f"version: {header.version}; this program reads version {FORMAT_VERSION} of exports",
                "content",
            )
        self._header = header

    def _record(self, record: Record) -> Record:
        if self._end is not None:
            raise Rejected("content: records follow the end of the export", "content")
        section = SECTIONS.index(section_of(record))
        if section < self._section:
            raise Rejected(f"content: {SECTIONS[section]} after {SECTIONS[self._section]}", "content")
        self._section = section
        record = in_utc(record)
        self._tally.add(record, encode(record))
        return record


def _counted(counts: Counts) -> str:
    return ", ".join(f"{count} {name}" for name, count in msgspec.structs.asdict(counts).items())


class _Splitting(ABC):
    """Lines, each bounded. The last one need not end."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._number = 0

    def feed(self, data: bytes) -> Iterator[Record | Header | End]:
        lines = data.split(b"\n")
        if len(lines) > 1:
            yield from self._one(bytes(self._rest) + lines[0])
            self._rest.clear()
            for line in lines[1:-1]:
                yield from self._one(line)
        self._rest += lines[-1]
        self._bounded(len(self._rest))

    def close(self) -> Iterator[Record | Header | End]:
        if self._rest:
            yield from self._one(bytes(self._rest))

    @abstractmethod
    def line(self, line: bytes) -> Iterator[Record | Header | End]: ...

    def _one(self, line: bytes) -> Iterator[Record | Header | End]:
        self._bounded(len(line))
        self._number += 1
        yield from self.line(line)

    def _bounded(self, size: int) -> None:
        if size > LINE_BYTES:
            raise Rejected(
                f"content: line {self._number + 1} is longer than {LINE_BYTES} bytes; no record is that long",
                "content",
            )

    def decoded(self, text: bytes) -> Record | Header | End:
        try:
            item: Record | Header | End = decode_line(text)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise _undecodable(f"line {self._number}", error) from None
        return item


class _Lines(_Splitting):
    def line(self, line: bytes) -> Iterator[Record | Header | End]:
        if line.strip():
            yield self.decoded(line)


class _Markdown(_Splitting):
    """What stands in our comments, each entry with the fenced text after it. The rest is for people."""

    def __init__(self) -> None:
        super().__init__()
        self._entry: EntryRecord | None = None
        self._fence = b""
        self._content: list[bytes] = []
        self._size = 0

    def line(self, line: bytes) -> Iterator[Record | Header | End]:
        if self._fence:
            if line != self._fence:
                self._add(line)
                return
            assert self._entry is not None
            yield msgspec.structs.replace(self._entry, content=self._text())
            self._entry, self._fence = None, b""
            self._content.clear()
            self._size = 0
        elif self._entry is not None:
            if line.startswith(b"```") and line.endswith(b"text"):
                self._fence = line.removesuffix(b"text")
            elif line:
                raise Rejected(
                    f"content: line {self._number}: the text of an entry should stand here", "content"
                )
        elif line.startswith(COMMENT) and line.endswith(COMMENT_END):
            item = self.decoded(line[len(COMMENT) : -len(COMMENT_END)])
            if isinstance(item, EntryRecord):
                self._entry = item
            else:
                yield item

    def close(self) -> Iterator[Record | Header | End]:
        yield from super().close()
        if self._entry is not None:
            raise Rejected(f"content: it ends within entry {self._entry.id[:64]}", "content")

    def _add(self, line: bytes) -> None:
        self._size += len(line) + 1
        self._bounded(self._size)
        self._content.append(line)

    def _text(self) -> str:
        try:
            return b"\n".join(self._content).decode()
        except UnicodeDecodeError as error:
            raise _undecodable(f"the text before line {self._number}", error) from None


class _Beside(msgspec.Struct, frozen=True):
    """The members that are no records."""

    format: str
    version: int
    scope: str
    counts: Counts
    digest: str


_decode_beside = msgspec.json.Decoder(_Beside).decode


class _Json:
    """Its arrays in the order of SECTIONS; the other members anywhere."""

    def __init__(self) -> None:
        self._splitter = JsonSplitter()
        self._members: dict[str, bytes] = {}

    def feed(self, data: bytes) -> Iterator[Record | Header | End]:
        for name, value in self._splitter.feed(data):
            if name in SECTIONS:
                yield self._record(name, value)
            elif name in {"format", "version", "scope", "counts", "digest"} and name not in self._members:
                self._members[name] = value
            else:
                raise Rejected(
                    f"content: member {name[:_LINE_SHOWN]!r} is unknown or stands twice", "content"
                )

    def close(self) -> Iterator[Record | Header | End]:
        if not self._splitter.done:
            return
        text = b"{" + b",".join(encode(name) + b":" + value for name, value in self._members.items()) + b"}"
        try:
            beside = _decode_beside(text)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise _undecodable("the members beside the records", error) from None
        yield Header(format=beside.format, version=beside.version, scope=beside.scope)
        yield End(counts=beside.counts, digest=beside.digest)

    def _record(self, name: str, value: bytes) -> Record:
        try:
            record: Record = decode_record(value)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise _undecodable(f"an element of {name}", error) from None
        if section_of(record) != name:
            raise Rejected(f"content: {name} holds a record of {section_of(record)}", "content")
        return record


def _undecodable(where: str, error: Exception) -> Rejected:
    why = " ".join(str(error).split())
    return Rejected(f"content: {where}: {why[:200]}", "content")
