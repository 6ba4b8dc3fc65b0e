"""How the demo tells what it does: a heading, what was asked, what came back, how long it took."""

from __future__ import annotations

import textwrap
from time import perf_counter
from typing import TYPE_CHECKING, Any

import msgspec

from .output import show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..stdio_client import ToolAnswer
    from .demo_server import Server

_WIDTH = 96
_LINES = 6


class DemoFailed(Exception):
    """A step did not hold. The message says what was expected."""


class Stage:
    def __init__(self) -> None:
        self._step = 0
        self._started = 0.0

    def starts(self) -> None:
        """From here the next `since_start` counts."""
        self._started = perf_counter()

    def since_start(self) -> str:
        return _milliseconds(perf_counter() - self._started)

    def heading(self, text: str) -> None:
        self._step += 1
        show(f"\n{self._step}. {text}")

    def remark(self, text: str) -> None:
        show(textwrap.fill(text, _WIDTH, initial_indent="   ", subsequent_indent="   "))

    async def ask(
        self, server: Server, tool: str, arguments: Mapping[str, Any], *, quietly: bool = False
    ) -> ToolAnswer:
        """Call, and show the call and its answer; `quietly` leaves the showing to the caller."""
        before = perf_counter()
        answer = await server.call(tool, arguments)
        took = perf_counter() - before
        if not quietly:
            self.asked(tool, arguments)
            self.answered(answer.text, took)
        return answer

    def asked(self, tool: str, arguments: object) -> None:
        self._show("ask", [f"{tool} {msgspec.json.encode(arguments).decode()}"])

    def answered(self, text: str, took: float | None = None) -> None:
        lines = text.splitlines() or ["(nothing)"]
        if len(lines) > _LINES:
            lines[_LINES:] = [f"... ({len(lines) - _LINES} more lines)"]
        self._show("answer", lines)
        if took is not None:
            self._show("time", [_milliseconds(took)])

    def _show(self, label: str, lines: list[str]) -> None:
        """Long lines go on below, deeper; after the second row the rest is left out, and said to be."""
        rows = [row for line in lines for row in _wrapped(line)]
        show("\n".join(f"   {label if not number else '':<8}{row}" for number, row in enumerate(rows)))


def held(condition: object, expected: str) -> None:
    if not condition:
        raise DemoFailed(f"expected that {expected}")


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(
        line, _WIDTH, subsequent_indent="  ", max_lines=2, placeholder=" …", break_on_hyphens=False
    ) or [""]
