"""Whatever comes in: no exception, only valid JSON-RPC out, one answer a request, and the same however it is cut."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agent_memory.entrypoints.mcp.identity import Identity, ServerInfo
from agent_memory.entrypoints.mcp.protocol import Connection, Incoming, Request

IDENTITY = Identity(ServerInfo(name="s", version="1"), offers=frozenset({"tools", "resources"}))
MAX_LINE = 4000

METHODS = (
    "initialize", "ping", "server/discover", "tools/list", "tools/call", "resources/read", "prompts/list",
    "subscriptions/listen", "no/such", "",
)  # fmt: skip
REVISIONS = ("2026-07-28", "2025-11-25", "2025-06-18", "2024-11-05", "2031-01-01", "", 5, None)

NOTHING: dict[str, Any] = {}
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
identifiers = st.integers(-(2**70), 2**70) | st.text(max_size=8)
envelopes = st.fixed_dictionaries(
    NOTHING,
    optional={
        "io.modelcontextprotocol/protocolVersion": st.sampled_from(REVISIONS),
        "io.modelcontextprotocol/clientCapabilities": st.just(NOTHING) | json_values,
        "io.modelcontextprotocol/clientInfo": st.just({"name": "n", "version": "v"}) | json_values,
        "progressToken": json_values,
    },
)
params = json_values | st.fixed_dictionaries(
    NOTHING,
    optional={
        "_meta": envelopes | json_values,
        "protocolVersion": st.sampled_from(REVISIONS),
        "capabilities": st.just(NOTHING) | json_values,
        "clientInfo": st.just({"name": "n", "version": "v"}) | json_values,
        "name": st.text(max_size=5) | json_values,
        "arguments": json_values,
    },
)


def encoded(message: object) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode()


requests = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0"), "id": identifiers, "method": st.sampled_from(METHODS)},
    optional={"params": params},
)
cancels = identifiers.map(
    lambda identifier: {
        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": identifier},
    }
)  # fmt: skip
almost = st.fixed_dictionaries(
    NOTHING,
    optional={
        "jsonrpc": st.just("2.0") | json_values,
        "id": identifiers | json_values,
        "method": st.sampled_from(METHODS) | json_values,
        "params": params,
        "result": json_values,
        "error": json_values,
    },
)


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A valid line with bytes put in, taken out or cut off."""
    line = bytearray(encoded(draw(requests)))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(line)))
        line[place : place + draw(st.integers(0, 3))] = draw(st.binary(max_size=2))
    return bytes(line)


deep = st.integers(1, 1900).map(
    lambda depth: (
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"a":' + b"[" * depth + b"]" * depth + b"}}"
    )
)
huge = st.integers(MAX_LINE - 60, MAX_LINE * 3).map(
    lambda size: b'{"jsonrpc":"2.0","id":1,"method":"' + b"x" * size + b'"}'
)
garbage = (
    st.binary(max_size=30)
    | json_values.map(encoded)
    | almost.map(encoded)
    | st.lists(requests, max_size=3).map(encoded)
    | broken()
    | deep
    | huge
    | cancels.map(encoded)
)
streams = st.lists(requests.map(encoded) | garbage, max_size=8).map(b"\n".join)


def run(pieces: list[bytes]) -> bytes:
    """Everything said to these pieces; the application answers when all have come."""
    connection = Connection(IDENTITY, max_line=MAX_LINE)
    incoming: list[Incoming] = []
    for piece in pieces:
        incoming += connection.receive(piece)
    incoming += connection.receive_end()
    for event in incoming:
        if isinstance(event, Request):
            connection.progress(event, 1)
            connection.respond(event, {"method": event.method})
    return connection.take_output()


def lines_of(output: bytes) -> list[dict[str, Any]]:
    assert output == b"" or output.endswith(b"\n")
    return [json.loads(line) for line in output.splitlines()]


@given(stream=streams)
def test_every_line_out_is_a_valid_message(stream: bytes) -> None:
    for message in lines_of(run([stream])):
        assert message["jsonrpc"] == "2.0"
        if "method" in message:
            assert "id" not in message
            continue
        assert ("result" in message) != ("error" in message)
        assert isinstance(message["id"], int | str | None)
        if "error" in message:
            assert isinstance(message["error"]["code"], int)
            assert message["error"]["message"]
        else:
            assert isinstance(message["result"], dict)
            assert message["id"] is not None


@given(
    messages=st.lists(requests, max_size=8), noise=st.lists(st.binary(max_size=12), min_size=8, max_size=8)
)
def test_every_request_gets_exactly_one_answer(messages: list[dict[str, Any]], noise: list[bytes]) -> None:
    lines: list[bytes] = []
    for message, other in zip(messages, noise, strict=False):
        # Behind a NUL no line is JSON, whatever the noise is.
        lines += [encoded(message), b"\x00" + other.replace(b"\n", b"")]
    answers = [message for message in lines_of(run([b"\n".join(lines)])) if "method" not in message]
    answered = Counter(repr(answer["id"]) for answer in answers if answer["id"] is not None)
    assert answered == Counter(repr(message["id"]) for message in messages)
    assert sum(answer["id"] is None for answer in answers) == len(messages)


@given(stream=streams, cuts=st.lists(st.floats(0, 1), max_size=12))
def test_how_the_bytes_are_cut_changes_nothing(stream: bytes, cuts: list[float]) -> None:
    places = [0, *sorted(int(cut * len(stream)) for cut in cuts), len(stream)]
    pieces = [stream[start:end] for start, end in pairwise(places)]
    assert run(pieces) == run([stream])


@given(stream=st.lists(requests.map(encoded) | garbage, max_size=2).map(b"\n".join))
def test_bytes_that_come_one_by_one_change_nothing(stream: bytes) -> None:
    assert run([stream[place : place + 1] for place in range(len(stream))]) == run([stream])
