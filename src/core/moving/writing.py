"""The three forms of an export. Each holds the same records; they differ in who reads them best."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

import msgspec

from .records import FORMAT, FORMAT_VERSION, SECTIONS, EntryRecord, Header, encode, section_of

if TYPE_CHECKING:
    from ..requests_moving import Format
    from .records import End, Record

_TICKS = re.compile(r"`{3,}")
_HEADING_CHARS = 80
COMMENT, COMMENT_END = b"<!-- agent-memory ", b" -->"


class Writer(Protocol):
    """Bytes to write, in order: `head` once, then each record in the order of its section, then `end`."""

    def head(self, scope: str) -> bytes: ...

    def record(self, record: Record, line: bytes) -> bytes: ...

    def end(self, end: End) -> bytes: ...


def writer_of(form: Format) -> Writer:
    writers: dict[Format, type[Writer]] = {"json": _Json, "jsonl": _Lines, "markdown": _Markdown}
    return writers[form]()


def header(scope: str) -> Header:
    return Header(format=FORMAT, version=FORMAT_VERSION, scope=scope)


class _Lines:
    def head(self, scope: str) -> bytes:
        return encode(header(scope)) + b"\n"

    def record(self, record: Record, line: bytes) -> bytes:  # noqa: ARG002 - the form's own
        return line + b"\n"

    def end(self, end: End) -> bytes:
        return encode(end) + b"\n"


class _Json:
    """One object; the records stand one a line, for whoever looks at it."""

    def __init__(self) -> None:
        self._open = -1
        self._first = True

    def head(self, scope: str) -> bytes:
        return b'{"format":%s,"version":%d,"scope":%s' % (encode(FORMAT), FORMAT_VERSION, encode(scope))

    def record(self, record: Record, line: bytes) -> bytes:
        begun = self._sections(SECTIONS.index(section_of(record)))
        separator = b"\n" if self._first else b",\n"
        self._first = False
        return begun + separator + line

    def end(self, end: End) -> bytes:
        begun = self._sections(len(SECTIONS))
        return begun + b',"counts":%s,"digest":%s}\n' % (encode(end.counts), encode(end.digest))

    def _sections(self, wanted: int) -> bytes:
        """What closes the open one and those without any record, up to the one wanted, which is opened."""
        text = b""
        while self._open < wanted:
            if self._open >= 0:
                text += b"\n]"
            self._open += 1
            if self._open < len(SECTIONS):
                text += b',"%s":[' % SECTIONS[self._open].encode()
            self._first = True
        return text


class _Markdown:
    """A heading and the content for people; beside them, in comments, everything that is to be read again."""

    def head(self, scope: str) -> bytes:
        return b"# Memory export\n\nEverything in `%s` and below it.\n\n%s\n" % (
            scope.encode(), _comment(encode(header(scope))),
        )  # fmt: skip

    def record(self, record: Record, line: bytes) -> bytes:
        if not isinstance(record, EntryRecord):
            return b"\n- %s\n\n%s\n" % (_said(record).encode(), _comment(line))
        bare = encode(msgspec.structs.replace(record, content=""))
        fence = "`" * (max((len(ticks) for ticks in _TICKS.findall(record.content)), default=2) + 1)
        level = "##" if record.until is None else "###"
        text = f"\n{level} {_heading(record)}\n\n{_facts(record)}\n\n"
        content = f"\n{fence}text\n{record.content}\n{fence}\n"
        return text.encode() + _comment(bare) + content.encode()

    def end(self, end: End) -> bytes:
        counted = ", ".join(f"{count} {name}" for name, count in msgspec.structs.asdict(end.counts).items())
        return b"\n---\n\n%s\n\n%s\n" % (counted.encode(), _comment(encode(end)))


def _comment(line: bytes) -> bytes:
    """A `>` in a JSON text may be written as its escape, so that none ends the comment."""
    return COMMENT + line.replace(b">", b"\\u003e") + COMMENT_END


def _heading(record: EntryRecord) -> str:
    text = record.title or next((line for line in record.content.splitlines() if line.strip()), "")
    text = " ".join(text.split())
    return text if len(text) <= _HEADING_CHARS else text[: _HEADING_CHARS - 1] + "…"


def _facts(record: EntryRecord) -> str:
    facts = [f"{record.kind} in `{record.scope}`", f"version {record.version}", record.state]
    if record.until is not None:
        facts.append(f"until {record.until.isoformat()}")
    facts.append((record.occurred_at or record.created_at).date().isoformat())
    if record.author:
        facts.append(f"from {record.author}")
    if record.tags:
        facts.append("tags " + " ".join(record.tags))
    return ", ".join(facts)


def _said(record: Record) -> str:
    fields = msgspec.to_builtins(record)
    return " ".join(f"{name}: {' '.join(str(value).split())}" for name, value in fields.items())
