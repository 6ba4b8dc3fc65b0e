"""What counts as a message, and what is said to everything else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent_memory.entrypoints.mcp.identity import Identity, ServerInfo
from agent_memory.entrypoints.mcp.protocol import Cancelled, Connection, Request

INITIALIZE = (
    b'{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},'
    b'"clientInfo":{"name":"c","version":"1"}}}\n'
)


@pytest.fixture
def connection() -> Connection:
    identity = Identity(ServerInfo(name="s", version="1"), offers=frozenset({"tools"}))
    opened = Connection(identity, max_line=10_000, max_depth=20)
    opened.receive(INITIALIZE)
    opened.take_output()
    return opened


def answers(connection: Connection) -> list[Any]:
    return [json.loads(line) for line in connection.take_output().splitlines()]


def refusal(connection: Connection, line: bytes) -> tuple[Any, int]:
    assert connection.receive(line + b"\n") == []
    (answer,) = answers(connection)
    assert answer["jsonrpc"] == "2.0"
    return answer["id"], answer["error"]["code"]


def request(connection: Connection, **fields: object) -> Request:
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", **fields}).encode()
    (found,) = connection.receive(line + b"\n")
    assert isinstance(found, Request)
    return found


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"nonsense",
        b'{"jsonrpc":"2.0","id":1,"method":"ping"} trailing',
        b'{"jsonrpc":"2.0","id":1,"method":"ping\xff"}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"\xff"}}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping","\xc3\x28":1}',
        b'\xef\xbb\xbf{"jsonrpc":"2.0","id":1,"method":"ping"}',
        b'{"jsonrpc":"2.0","id":NaN,"method":"ping"}',
        b"\x00",
    ],
)
def test_what_is_not_json_in_utf8_is_a_parse_error(connection: Connection, line: bytes) -> None:
    assert refusal(connection, line) == (None, -32700)


@pytest.mark.parametrize(
    ("line", "known"),
    [
        (b"[]", None),
        (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', None),
        (b"1", None),
        (b"null", None),
        (b"{}", None),
        (b'{"jsonrpc":"2.0"}', None),
        (b'{"jsonrpc":"2.0","id":1}', 1),
        (b'{"id":1,"method":"ping"}', 1),
        (b'{"jsonrpc":"1.0","id":"x","method":"ping"}', "x"),
        (b'{"jsonrpc":2.0,"id":1,"method":"ping"}', 1),
        (b'{"jsonrpc":"2.0","id":1,"method":5}', 1),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', None),
        (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', None),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', None),
        (b'{"jsonrpc":"2.0","id":1.0,"method":"ping"}', None),
        (b'{"jsonrpc":"2.0","id":1e999,"method":"ping"}', None),
        (b'{"jsonrpc":"2.0","id":[1],"method":"ping"}', None),
        (b'{"jsonrpc":"2.0","id":{},"method":"ping"}', None),
    ],
)
def test_what_is_json_but_no_request_is_invalid_and_keeps_its_id(
    connection: Connection, line: bytes, known: object
) -> None:
    assert refusal(connection, line) == (known, -32600)


@pytest.mark.parametrize("params", [b"[]", b"5", b'"x"', b'{"_meta":5}', b'{"_meta":{"progressToken":1.5}}'])
def test_params_of_the_wrong_type_are_invalid(connection: Connection, params: bytes) -> None:
    line = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":' + params + b"}"
    assert refusal(connection, line) == (1, -32602)


@pytest.mark.parametrize("params", [b"null", b"{}", b'{"_meta":null}'])
def test_params_may_be_null_or_empty(connection: Connection, params: bytes) -> None:
    line = b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":' + params + b"}\n"
    (found,) = connection.receive(line)
    assert isinstance(found, Request)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"  \t\r",
        b'{"jsonrpc":"2.0","method":"notifications/initialized"}',
        b'{"jsonrpc":"2.0","method":"notifications/no-such","params":[]}',
        b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}}',
        b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{}}}',
        b'{"jsonrpc":"2.0","method":"notifications/cancelled"}',
        b'{"jsonrpc":"2.0","id":7,"result":{}}',
        b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"x"}}',
        b'{"jsonrpc":"1.0","id":7,"error":5}',
    ],
)
def test_blank_lines_unknown_notifications_and_answers_are_passed_over(
    connection: Connection, line: bytes
) -> None:
    assert connection.receive(line + b"\n") == []
    assert connection.take_output() == b""


def test_a_line_may_end_in_a_carriage_return_too(connection: Connection) -> None:
    connection.receive(b'{"jsonrpc":"2.0","id":3,"method":"ping"}\r\n')
    assert answers(connection) == [{"jsonrpc": "2.0", "id": 3, "result": {}}]


@pytest.mark.parametrize("identifier", [0, -1, 2**53 + 1, 10**30, "", "1", 'ü\n"', "0" * 500])
def test_an_id_comes_back_as_it_was(connection: Connection, identifier: object) -> None:
    connection.receive(json.dumps({"jsonrpc": "2.0", "id": identifier, "method": "ping"}).encode() + b"\n")
    (answer,) = answers(connection)
    assert answer["id"] == identifier
    assert type(answer["id"]) is type(identifier)


def test_the_last_message_needs_no_newline(connection: Connection) -> None:
    assert connection.receive(b'{"jsonrpc":"2.0","id":3,"method":"ping"}') == []
    assert connection.take_output() == b""
    connection.receive_end()
    assert answers(connection) == [{"jsonrpc": "2.0", "id": 3, "result": {}}]


def test_an_overlong_message_is_refused_and_the_next_one_served(connection: Connection) -> None:
    connection.receive(b'{"jsonrpc":"2.0","id":1,"method":"' + b"x" * 10_000)
    connection.receive(b'"}\n{"jsonrpc":"2.0","id":2,"method":"ping"}\n')
    overlong, ping = answers(connection)
    assert (overlong["id"], overlong["error"]["code"]) == (1, -32600)
    assert ping == {"jsonrpc": "2.0", "id": 2, "result": {}}


@pytest.mark.parametrize(("levels", "too_deep"), [(16, False), (19, True), (500, True)])
def test_depth_is_bounded(connection: Connection, levels: int, too_deep: bool) -> None:
    arguments = b"[" * levels + b"]" * levels
    line = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":' + arguments + b"}}"
    if too_deep:
        assert refusal(connection, line) == (1, -32600)
    else:
        assert len(connection.receive(line + b"\n")) == 1


def test_depth_beyond_the_decoders_own_limit_is_refused_too(connection: Connection) -> None:
    assert refusal(connection, b"[" * 4000 + b"]" * 4000) == (None, -32600)


def test_an_unknown_method_is_named_but_not_at_length(connection: Connection) -> None:
    connection.receive(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "m" * 5000}).encode() + b"\n")
    (answer,) = answers(connection)
    assert answer["error"]["code"] == -32601
    assert len(answer["error"]["message"]) < 200


def test_an_id_in_flight_is_refused_until_it_is_answered(connection: Connection) -> None:
    first = request(connection, id="a")
    line = b'{"jsonrpc":"2.0","id":"a","method":"tools/call"}'
    assert refusal(connection, line) == ("a", -32600)
    connection.respond(first, {})
    assert [answer["result"] for answer in answers(connection)] == [{}]
    assert request(connection, id="a") is not first


def test_a_number_and_its_text_are_two_ids(connection: Connection) -> None:
    number, text = request(connection, id=1), request(connection, id="1")
    connection.respond(text, {"is": "text"})
    connection.respond(number, {"is": "number"})
    assert [(a["id"], a["result"]["is"]) for a in answers(connection)] == [("1", "text"), (1, "number")]


def test_a_request_is_answered_once(connection: Connection) -> None:
    found = request(connection)
    connection.respond(found, {"n": 1})
    connection.respond(found, {"n": 2})
    connection.fail(found, -32603, "late")
    assert [answer["result"]["n"] for answer in answers(connection)] == [1]


def test_a_cancelled_request_is_handed_on_and_never_answered(connection: Connection) -> None:
    found = request(connection, params={"_meta": {"progressToken": 1}})
    cancel = {
        "jsonrpc": "2.0",
        "method": "notifications/cancelled",
        "params": {"requestId": 1, "reason": "why"},
    }
    assert connection.receive(json.dumps(cancel).encode() + b"\n") == [Cancelled(found, "why")]
    connection.progress(found, 1)
    connection.respond(found, {})
    assert connection.take_output() == b""


def test_a_late_answer_to_a_cancelled_request_does_not_answer_the_next_with_its_id(
    connection: Connection,
) -> None:
    old = request(connection)
    connection.receive(b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}\n')
    new = request(connection)
    connection.respond(old, {"from": "old"})
    connection.respond(new, {"from": "new"})
    assert [answer["result"]["from"] for answer in answers(connection)] == ["new"]


@pytest.mark.parametrize("token", [0, 7, "t"])
def test_progress_goes_to_the_token_of_the_request(connection: Connection, token: object) -> None:
    found = request(connection, params={"_meta": {"progressToken": token}})
    connection.progress(found, 0.5, 2, "half")
    connection.progress(found, 1)
    first, second = answers(connection)
    assert first["method"] == "notifications/progress"
    assert first["params"] == {"progressToken": token, "progress": 0.5, "total": 2, "message": "half"}
    assert second["params"] == {"progressToken": token, "progress": 1}


def test_progress_is_not_sent_to_who_did_not_ask(connection: Connection) -> None:
    connection.progress(request(connection), 1)
    assert connection.take_output() == b""


def test_a_notification_has_no_id(connection: Connection) -> None:
    connection.notify("notifications/tools/list_changed")
    connection.notify("notifications/x", {"a": "\n"})
    assert answers(connection) == [
        {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"},
        {"jsonrpc": "2.0", "method": "notifications/x", "params": {"a": "\n"}},
    ]
