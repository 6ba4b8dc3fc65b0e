"""MCP requests as ready lines, and answers checked after the clock has stopped."""

from __future__ import annotations

from time import sleep
from typing import TYPE_CHECKING, Any

import msgspec

from ..mcp.messages import HANDSHAKE_REVISIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .corpus import Corpus
    from .line_child import LineChild


class _Result(msgspec.Struct, rename="camel"):
    is_error: bool = False
    structured_content: dict[str, Any] = {}
    content: list[dict[str, Any]] = []


class _Answer(msgspec.Struct):
    id: int
    result: _Result | None = None
    error: dict[str, Any] | None = None


_decode = msgspec.json.Decoder(_Answer).decode

HANDSHAKE = (
    msgspec.json.encode(
        {
            "jsonrpc": "2.0",
            "id": 0,
            "method": "initialize",
            "params": {
                "protocolVersion": HANDSHAKE_REVISIONS[0],
                "capabilities": {},
                "clientInfo": {"name": "benchmark", "version": "1"},
            },
        }
    )
    + b"\n"
)
INITIALIZED = b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n'
LIST_TOOLS = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}\n'


def calls(tool: str, arguments: Iterable[dict[str, Any]]) -> list[bytes]:
    return [
        msgspec.json.encode(
            {
                "jsonrpc": "2.0",
                "id": number,
                "method": "tools/call",
                "params": {"name": tool, "arguments": given},
            }
        )
        + b"\n"
        for number, given in enumerate(arguments, 100)
    ]


def result_of(line: bytes) -> dict[str, Any]:
    """The structured content. A call that failed ends the benchmark: a figure over errors would be worthless."""
    answer = _decode(line)
    if answer.result is None or answer.result.is_error:
        raise RuntimeError(f"the server answered with an error: {line[:500].decode(errors='replace')}")
    return answer.result.structured_content


def until_indexed(server: LineChild, corpus: Corpus) -> None:
    """Ask until nothing is missing from an answer."""
    while result_of(server.ask(*calls("memory_recall", [{"query": corpus.question()}])))["degraded"]:
        sleep(0.1)


def results_of(lines: Iterable[bytes]) -> list[dict[str, Any]]:
    return [result_of(line) for line in lines]
