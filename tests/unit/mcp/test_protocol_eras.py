"""How a connection is opened, and what each era then accepts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent_memory.entrypoints.mcp.content import CacheHint
from agent_memory.entrypoints.mcp.identity import Identity, ServerInfo
from agent_memory.entrypoints.mcp.protocol import Connection, Incoming, Request

INFO = ServerInfo(name="ours", version="1.0")
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "them", "version": "2"},
}


class Peer:
    """The client's end of a connection."""

    def __init__(self, *offers: str) -> None:
        identity = Identity(INFO, offers=frozenset(offers or ("tools",)), instructions="Be kind.")
        self.connection = Connection(identity)
        self.incoming: list[Incoming] = []

    def send(self, method: str, params: Any = None, *, id: Any = 1) -> list[Any]:  # noqa: A002 - its name on the wire
        message: dict[str, Any] = {"jsonrpc": "2.0", "id": id, "method": method}
        if params is not None:
            message["params"] = params
        self.incoming = self.connection.receive(json.dumps(message).encode() + b"\n")
        return [json.loads(line) for line in self.connection.take_output().splitlines()]

    def refused(self, method: str, params: Any = None) -> tuple[int, str]:
        (answer,) = self.send(method, params)
        assert self.incoming == []
        return answer["error"]["code"], answer["error"]["message"]

    def accepted(self, method: str, params: Any = None, *, id: Any = 1) -> Request:  # noqa: A002
        assert self.send(method, params, id=id) == []
        (request,) = self.incoming
        assert isinstance(request, Request)
        return request

    def initialize(self, version: str = "2025-11-25") -> Any:
        client = {"name": "them", "version": "2"}
        params = {"protocolVersion": version, "capabilities": {}, "clientInfo": client}
        (answer,) = self.send("initialize", params)
        return answer


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ("2025-11-25", "2025-11-25"),
        ("2025-06-18", "2025-06-18"),
        ("2026-07-28", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
        ("", "2025-11-25"),
    ],
)
def test_initialize_is_answered_with_the_version_asked_for_or_the_newest(wanted: str, given: str) -> None:
    peer = Peer("tools", "prompts")
    assert peer.initialize(wanted)["result"] == {
        "protocolVersion": given,
        "capabilities": {"tools": {}, "prompts": {}},
        "serverInfo": {"name": "ours", "version": "1.0"},
        "instructions": "Be kind.",
    }
    assert peer.accepted("tools/list").revision == given


@pytest.mark.parametrize("missing", ["protocolVersion", "capabilities", "clientInfo"])
def test_initialize_needs_its_parameters(missing: str) -> None:
    params = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "a", "version": "1"},
    }
    del params[missing]
    code, message = Peer().refused("initialize", params)
    assert code == -32602
    assert missing in message


def test_a_request_before_any_opening_is_told_how_to_open() -> None:
    code, message = Peer().refused("tools/list")
    assert code == -32600
    assert "initialize" in message


def test_ping_is_answered_before_and_after_the_handshake() -> None:
    peer = Peer()
    assert peer.send("ping") == [{"jsonrpc": "2.0", "id": 1, "result": {}}]
    peer.initialize()
    assert peer.send("ping", {}) == [{"jsonrpc": "2.0", "id": 1, "result": {}}]


def test_discover_tells_what_initialize_would_and_may_be_cached() -> None:
    (answer,) = Peer("tools", "resources").send("server/discover", {"_meta": ENVELOPE})
    assert answer["result"] == {
        "supportedVersions": ["2026-07-28"],
        "capabilities": {"tools": {}, "resources": {}},
        "instructions": "Be kind.",
        "resultType": "complete",
        "ttlMs": 3_600_000,
        "cacheScope": "public",
        "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "ours", "version": "1.0"}},
    }


def test_a_stateless_request_carries_its_client_and_needs_no_opening() -> None:
    request = Peer().accepted("tools/call", {"name": "x", "_meta": ENVELOPE})
    assert (request.client.name, request.client.version) == ("them", "2")
    assert request.revision == "2026-07-28"
    assert request.stateless


def test_the_client_info_is_optional_in_an_envelope() -> None:
    envelope = {key: value for key, value in ENVELOPE.items() if not key.endswith("clientInfo")}
    assert Peer().accepted("tools/list", {"_meta": envelope}).client.name == ""


def test_an_envelope_without_capabilities_is_refused() -> None:
    envelope = {key: value for key, value in ENVELOPE.items() if not key.endswith("clientCapabilities")}
    code, message = Peer().refused("tools/list", {"_meta": envelope})
    assert code == -32602
    assert "clientCapabilities" in message


def test_an_unknown_version_is_refused_with_those_that_would_do() -> None:
    envelope = ENVELOPE | {"io.modelcontextprotocol/protocolVersion": "2027-01-01"}
    (answer,) = Peer().send("server/discover", {"_meta": envelope})
    assert answer["error"]["code"] == -32022
    assert answer["error"]["data"] == {
        "supported": ["2026-07-28", "2025-11-25", "2025-06-18"],
        "requested": "2027-01-01",
    }


def test_a_refused_opening_leaves_both_eras_open() -> None:
    peer = Peer()
    peer.refused(
        "server/discover", {"_meta": ENVELOPE | {"io.modelcontextprotocol/protocolVersion": "2027-01-01"}}
    )
    assert "result" in peer.initialize()


@pytest.mark.parametrize("wrong", [5, None, ["2026-07-28"]])
def test_a_version_that_is_no_string_is_a_bad_parameter(wrong: object) -> None:
    envelope = ENVELOPE | {"io.modelcontextprotocol/protocolVersion": wrong}
    assert Peer().refused("tools/list", {"_meta": envelope})[0] == -32602


def test_on_a_stateless_connection_there_is_no_handshake() -> None:
    peer = Peer()
    peer.send("server/discover", {"_meta": ENVELOPE})
    answer = peer.initialize()
    assert answer["error"]["code"] == -32022
    assert answer["error"]["data"] == {"supported": ["2026-07-28"], "requested": "2025-11-25"}


@pytest.mark.parametrize("method", ["tools/list", "ping", "no/such"])
def test_on_a_stateless_connection_each_request_needs_its_envelope(method: str) -> None:
    peer = Peer()
    peer.send("server/discover", {"_meta": ENVELOPE})
    code, message = peer.refused(method, {})
    assert code == -32602
    assert "io.modelcontextprotocol/protocolVersion" in message


@pytest.mark.parametrize(
    "method", ["ping", "resources/subscribe", "subscriptions/listen", "logging/setLevel"]
)
def test_methods_that_the_stateless_revision_or_this_server_lacks_are_not_found(method: str) -> None:
    assert Peer().refused(method, {"_meta": ENVELOPE})[0] == -32601


def test_after_a_handshake_envelopes_are_refused() -> None:
    peer = Peer()
    peer.initialize()
    assert peer.refused("tools/list", {"_meta": ENVELOPE})[0] == -32600
    assert peer.refused("server/discover")[0] == -32601


def test_after_a_handshake_requests_need_no_initialized_notification() -> None:
    peer = Peer()
    peer.initialize("2025-06-18")
    request = peer.accepted("tools/call", {"name": "x", "_meta": {"progressToken": "p", "other": 1}})
    assert request.client.name == "them"
    assert request.progress_token == "p"


def test_what_is_not_offered_is_not_found_in_either_era() -> None:
    peer = Peer("tools")
    assert peer.refused("prompts/list")[0] == -32601
    peer.initialize()
    assert peer.refused("prompts/list")[0] == -32601
    assert Peer("tools").refused("prompts/list", {"_meta": ENVELOPE})[0] == -32601


def test_a_handshake_result_goes_out_as_it_is() -> None:
    peer = Peer()
    peer.initialize()
    request = peer.accepted("tools/list", id="a")
    peer.connection.respond(request, {"tools": []}, CacheHint(5, "public"))
    assert peer.connection.take_output() == b'{"jsonrpc":"2.0","id":"a","result":{"tools":[]}}\n'


@pytest.mark.parametrize("body", [{}, {"tools": []}, b"{}", b'{"tools":[\n]}'])
def test_a_stateless_result_is_complete_cacheable_and_signed(body: object) -> None:
    peer = Peer()
    request = peer.accepted("tools/list", {"_meta": ENVELOPE})
    peer.connection.respond(request, body, CacheHint(5, "public"))
    (line,) = peer.connection.take_output().splitlines()
    result = json.loads(line)["result"]
    assert result.pop("_meta") == {"io.modelcontextprotocol/serverInfo": {"name": "ours", "version": "1.0"}}
    assert result.pop("resultType") == "complete"
    assert (result.pop("ttlMs"), result.pop("cacheScope")) == (5, "public")
    assert result in ({}, {"tools": []})


def test_a_result_that_is_no_object_is_refused_to_the_program_and_may_be_answered_still() -> None:
    peer = Peer()
    request = peer.accepted("tools/list", {"_meta": ENVELOPE})
    with pytest.raises(ValueError, match="object"):
        peer.connection.respond(request, [1])
    peer.connection.fail(request, -32603, "sorry")
    assert b"sorry" in peer.connection.take_output()
