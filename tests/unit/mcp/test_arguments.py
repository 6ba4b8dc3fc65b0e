import msgspec
import pytest

from agent_memory.core import requests, requests_moving, requests_team
from agent_memory.entrypoints.mcp.arguments import decode_arguments
from agent_memory.entrypoints.mcp.tools import TOOLS
from agent_memory.ports.errors import Rejected

SCHEMAS = {tool["name"]: tool["inputSchema"] for tool in TOOLS}


def remember(raw: bytes) -> requests.Remember:
    return decode_arguments(msgspec.json.Decoder(requests.Remember), raw, SCHEMAS["memory_remember"])


def update(raw: bytes) -> requests.Update:
    return decode_arguments(msgspec.json.Decoder(requests.Update), raw, SCHEMAS["memory_update"])


def refusal(raw: bytes) -> str:
    with pytest.raises(Rejected) as caught:
        remember(raw)
    assert caught.value.field
    return str(caught.value)


def test_null_for_an_optional_argument_is_as_if_it_were_left_out() -> None:
    filled = remember(
        b'{"content":"a","title":null,"tags":null,"kind":null,"importance":null,"metadata":null}'
    )
    assert filled == remember(b'{"content":"a"}')
    nested = remember(b'{"entries":[{"content":"a","tags":null}],"title":null}')
    assert nested == remember(b'{"entries":[{"content":"a"}]}')


def recall(raw: bytes) -> requests.Recall:
    return decode_arguments(msgspec.json.Decoder(requests.Recall), raw, SCHEMAS["memory_recall"])


def test_an_integer_may_be_written_as_json_schema_allows() -> None:
    assert recall(b'{"query":"a","limit":10.0,"max_tokens":2e3}') == recall(
        b'{"query":"a","limit":10,"max_tokens":2000}'
    )


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b'{"query":"a","limit":10.5}', "limit: expected int, got float; allowed: 1 to 100"),
        (b'{"query":"a","limit":500.0}', "limit: expected int <= 100; allowed: 1 to 100"),
        (b'{"query":"a","limit":"10"}', "limit: expected int, got str; allowed: 1 to 100"),
    ],
)
def test_what_is_no_integer_is_told_with_what_is_allowed(raw: bytes, message: str) -> None:
    with pytest.raises(Rejected) as caught:
        recall(raw)
    assert str(caught.value) == message


def test_null_keeps_its_meaning_where_it_has_one() -> None:
    cleared = update(b'{"id":"x","expires_at":null,"title":null}')
    assert cleared.expires_at is None
    assert cleared.title is msgspec.UNSET


def test_null_does_not_excuse_a_missing_or_an_unknown_argument() -> None:
    assert refusal(b'{"entries":[{"content":null}],"tags":null}') == "entries[0].content is missing"
    assert refusal(b'{"content":"a","tags":null,"zap":null}').startswith(
        "zap: no such argument; allowed here: content,"
    )


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b'{"content":5}', "content: expected str"),
        (b'{"content":"a","kind":"zap"}', "kind: invalid enum value 'zap'; allowed: knowledge, guideline"),
        (
            b'{"entries":[{"content":"a","kind":"zap"}]}',
            "entries[0].kind: invalid enum value 'zap'; allowed: know",
        ),
        (
            b'{"entries":[{"content":"a","zap":1}]}',
            "entries[0].zap: no such argument; allowed here: content, title",
        ),
        (b'{"content":"a","importance":3}', "importance: expected"),
        (b'{"content":"a","tags":[1]}', "tags[0]: expected str"),
        (b"[1]", "arguments: expected object"),
        (b"{", "arguments: not valid JSON"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_allowed(raw: bytes, message: str) -> None:
    assert refusal(raw).startswith(message)


def test_half_a_character_is_told_with_its_place() -> None:
    raw = rb'{"content": "x", "tags": ["a", "\ud800"]}'
    with pytest.raises(Rejected, match="lone surrogate; send valid Unicode") as caught:
        decode_arguments(msgspec.json.Decoder(requests.Remember), raw, SCHEMAS["memory_remember"])
    assert caught.value.field == "tags[1]"


@pytest.mark.parametrize(
    ("kind", "tool"),
    [
        (requests_moving.MaintainCall, "memory_maintain"),
        (requests_team.VoteCall, "memory_vote"),
        (requests_team.SessionCall, "memory_session"),
        (requests.Link, "memory_link"),
        (requests.FileLock, "memory_file_lock"),
    ],
)
def test_an_action_that_is_missing_is_told_with_what_is_allowed(
    kind: type[msgspec.Struct], tool: str
) -> None:
    actions = SCHEMAS[tool]["properties"]["action"]["enum"]
    assert len(actions) > 1
    with pytest.raises(Rejected) as caught:
        decode_arguments(msgspec.json.Decoder(kind), b"{}", SCHEMAS[tool])
    assert str(caught.value) == f"action is missing; allowed: {', '.join(actions)}"
    assert caught.value.field == "action"
