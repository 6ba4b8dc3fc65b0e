"""Who sends too much is told so by the id that it waits for, where that is certain."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_memory.entrypoints.mcp.identity import Identity, ServerInfo
from agent_memory.entrypoints.mcp.lines import KEPT, Overlong
from agent_memory.entrypoints.mcp.overlong import id_of
from agent_memory.entrypoints.mcp.protocol import Connection

LONG = "x" * (3 * KEPT)
PARAMS = {"name": "memory_import", "arguments": {"content": LONG, "id": 3, "error": {"id": 4}}}
HEAD: dict[str, Any] = {"jsonrpc": "2.0", "id": 7}


def ends(line: bytes) -> Overlong:
    return Overlong(line[:KEPT], line[-KEPT:])


def found(message: object) -> int | str | None:
    return id_of(ends(json.dumps(message).encode()))


@pytest.mark.parametrize("known", [7, -1, 0, "7", "a-b c", "\u00e9", 2**63 - 1])
def test_it_is_found_before_and_behind_what_is_long(known: int | str) -> None:
    call = {"method": "tools/call", "params": PARAMS}
    assert found({"jsonrpc": "2.0", "id": known, **call}) == known
    assert found({"id": known, **call, "jsonrpc": "2.0"}) == known
    assert found({**call, "id": "7", "jsonrpc": "2.0"}) == "7"
    if str(known).isascii():  # behind, what is written with a backslash is left alone
        assert found({**call, "jsonrpc": "2.0", "id": known}) == known


@pytest.mark.parametrize(
    "line",
    [
        json.dumps({"jsonrpc": "2.0", "method": "x", "params": PARAMS}),
        json.dumps({"params": PARAMS, "method": "x", "id": None}),
        json.dumps({"params": PARAMS, "id": 1.5}),
        json.dumps({"params": PARAMS, "id": True}),
        json.dumps({"params": PARAMS, "id": 2**64}),
        json.dumps({"params": {"a": LONG, "id": 5}}),
        json.dumps({"params": {"a": LONG + ',"id":5'}}),
        json.dumps({"params": LONG + ',"id":5}'}),
        json.dumps([{"id": 5, "params": LONG}]),
        json.dumps({"id": 5, "result": LONG}),
        json.dumps({"error": {"code": 1}, "params": LONG, "id": 5}),
        '{"id":5,"params":"' + LONG + '","id":6}',
        '{"id":5,"params":"' + LONG + '","id":"5"}',
        '{"id":5,"id":6,"params":"' + LONG + '"}',
        "{" * (3 * KEPT),
        "[" * (3 * KEPT),
        '{"a":' * KEPT,
        "x" * (3 * KEPT),
        '{"pad":"' + "x" * (KEPT - 19) + '","id":12345,"params":"' + LONG + '"}',
    ],
)
def test_what_is_not_certain_is_none(line: str) -> None:
    assert id_of(ends(line.encode())) is None


@given(
    before=st.dictionaries(st.text(max_size=4), st.text(max_size=20) | st.integers(), max_size=3),
    text=st.text(alphabet='"\\\\,:{}[] id5', max_size=60),
    nested=st.booleans(),
)
def test_no_text_passes_for_a_member(before: dict[str, Any], text: str, nested: bool) -> None:
    for name in ("id", "result", "error"):
        before.pop(name, None)
    last = {"deep": [LONG + text, {"id": 5}]} if nested else LONG + text
    assert found({**before, "params": last}) is None
    assert found({**before, "params": text + LONG}) is None


@given(line=st.binary(max_size=80))
def test_whatever_it_is_made_of(line: bytes) -> None:
    known = id_of(Overlong(line, line))
    assert known is None or (isinstance(known, int | str) and not isinstance(known, bool))


def connection() -> Connection:
    return Connection(Identity(ServerInfo(name="s", version="1"), offers=frozenset({"tools"})), max_line=1000)


def answers(opened: Connection) -> list[dict[str, Any]]:
    return [json.loads(line) for line in opened.take_output().splitlines()]


def test_the_sender_is_answered_by_its_id() -> None:
    opened = connection()
    opened.receive(json.dumps({**HEAD, "method": "tools/call", "params": PARAMS}).encode() + b"\n")
    (answer,) = answers(opened)
    assert answer["id"] == 7
    assert answer["error"]["code"] == -32600
    assert "longer than 1000 bytes" in answer["error"]["message"]


def test_a_request_in_flight_is_not_answered_for_another_of_its_id() -> None:
    opened = connection()
    begin = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
    opened.receive(json.dumps({**HEAD, "method": "initialize", "params": begin}).encode() + b"\n")
    opened.receive(json.dumps({**HEAD, "method": "tools/list"}).encode() + b"\n")
    opened.take_output()
    opened.receive(json.dumps({**HEAD, "method": "tools/call", "params": PARAMS}).encode() + b"\n")
    assert [answer["id"] for answer in answers(opened)] == [None]
