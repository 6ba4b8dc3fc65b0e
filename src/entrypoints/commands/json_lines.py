"""Many entries from lines of JSON, in batches, each all or none."""

from __future__ import annotations

import re
import signal
from codecs import BOM_UTF8
from contextlib import closing, contextmanager
from pathlib import Path
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from ...core.redaction.redactor import scrubbed
from ...core.requests import NewEntry, Remember
from ...ports.errors import PortError, Rejected
from ..mcp.arguments import decode_arguments
from ..mcp.tools import TOOLS
from .input import stdin

if TYPE_CHECKING:
    from collections.abc import Generator

    from ...core.caller import Caller
    from ...core.memory import Memory

_POSITION = re.compile(r"entries\[(\d+)\]\.")
_FIELDS = TOOLS[0]["inputSchema"]["properties"]
_SCHEMA = {"properties": {name: _FIELDS[name] for name in NewEntry.__struct_fields__}}
_DECODER = msgspec.json.Decoder(NewEntry)


class Facts(msgspec.Struct, kw_only=True):
    """`remembered` and `duplicates` count what is durable. `bad_line` counts from 1."""

    source: str
    remembered: int = 0
    duplicates: int = 0
    bad_line: int | None = None
    problem: str = ""


class Report(msgspec.Struct):
    facts: Facts
    problem: PortError | None = None


async def remember_lines(
    memory: Memory, caller: Caller, source: str, *, scope: str | None, agent_id: str | None, batch: int
) -> Report:
    """Never raises `PortError`: the report holds it, with what was stored before it."""
    report = Report(Facts(source="stdin" if source == "-" else source))
    with closing(_batches(source, batch)) as batches:
        try:
            while (lines := _next(batches)) is not None:
                request = Remember(entries=[entry for _, entry in lines], scope=scope, agent_id=agent_id)
                try:
                    results = (await memory.remember(request, caller)).results
                except Rejected as error:
                    raise _at_line(error, [number for number, _ in lines]) from None
                repeats = sum(one.duplicate for one in results)
                report.facts.duplicates += repeats
                report.facts.remembered += len(results) - repeats
        except PortError as error:
            report.problem = error
            report.facts.problem = scrubbed(f"{error.code}: {error}")
            if isinstance(error, _BadLine):
                report.facts.bad_line = error.line
    return report


Lines = list[tuple[int, NewEntry]]


def _batches(source: str, size: int) -> Generator[Lines]:
    waiting: Lines = []
    with _lines_of(source) as lines:
        for number, given in enumerate(lines, 1):
            line = given.removeprefix(BOM_UTF8) if number == 1 else given
            if line.strip():
                waiting.append((number, _decoded(line, number)))
            if len(waiting) == size:
                yield waiting
                waiting = []
    if waiting:
        yield waiting


def _next(batches: Generator[Lines]) -> Lines | None:
    """A read blocks the loop, and asyncio's handler of Ctrl-C would wait for the next line."""
    if current_thread() is not main_thread():
        return next(batches, None)
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return next(batches, None)
    finally:
        signal.signal(signal.SIGINT, former)


class _BadLine(Rejected):
    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}; nothing of its batch was stored")
        self.line = line


@contextmanager
def _lines_of(source: str) -> Generator[BinaryIO]:
    if source == "-":
        yield stdin()
    else:
        with Path(source).open("rb") as file:
            yield file


def _decoded(line: bytes, number: int) -> NewEntry:
    try:
        return decode_arguments(_DECODER, line, _SCHEMA)
    except Rejected as error:
        raise _BadLine(number, str(error).removeprefix("arguments: ")) from None


def _at_line(error: Rejected, numbers: list[int]) -> Rejected:
    """The domain counts within the batch; the reader of a file counts its lines."""
    found = _POSITION.match(error.field or "")
    if found is None:
        return error
    return _BadLine(numbers[int(found[1])], str(error).removeprefix(found[0]))


def told(facts: Facts) -> str:
    return f"remembered {facts.remembered}, already known {facts.duplicates} (from {facts.source})"
