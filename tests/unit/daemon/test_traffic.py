"""What is known of a session from the bytes that pass."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_memory.entrypoints.daemon.link import line
from agent_memory.entrypoints.daemon.traffic import LONGEST_LINE, Traffic

GOODBYE = line(goodbye="stopping")
INITIALIZED = b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n'


def request(identifier: Any, method: str = "tools/call", **params: Any) -> bytes:
    return (
        json.dumps({"jsonrpc": "2.0", "id": identifier, "method": method, "params": params}).encode() + b"\n"
    )


def notice(method: str, **params: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "method": method, "params": params}).encode() + b"\n"


def answer(identifier: Any, result: str = "{}") -> bytes:
    return b'{"jsonrpc":"2.0","id":%s,"result":%s}\n' % (json.dumps(identifier).encode(), result.encode())


def sent(traffic: Traffic, *lines: bytes) -> bytes:
    for text in lines:
        traffic.asked(text)
    return traffic.next_lines(10**9)


def errors(text: bytes) -> list[Any]:
    said = [json.loads(part) for part in text.splitlines()]
    assert all(part["error"]["code"] == -32010 and part["error"]["message"] for part in said)
    return [part["id"] for part in said]


def test_what_is_sent_and_not_answered_is_lost_with_the_connection() -> None:
    traffic = Traffic()
    sent(traffic, request(1), request("two"), request(3))
    traffic.answered(answer("two"))
    caught, told = traffic.lost()
    assert (caught, errors(told)) == (2, [1, 3])
    assert traffic.idle


def test_what_was_never_sent_is_kept_for_the_next_connection() -> None:
    traffic = Traffic()
    traffic.asked(request(1))
    assert traffic.lost() == (0, b"")
    assert traffic.next_lines(100) == request(1)


def test_after_a_goodbye_what_is_unanswered_was_not_read_and_is_sent_again_in_order() -> None:
    traffic = Traffic()
    sent(traffic, request(1), request(2), request(3))
    traffic.asked(request(4))
    assert traffic.answered(answer(2) + GOODBYE) == answer(2)
    assert traffic.lost() == (0, b"")
    assert traffic.next_lines(10**6) == request(1) + request(3) + request(4)
    assert errors(traffic.lost()[1]) == [1, 3, 4], "one goodbye is for one connection"


def test_a_call_that_the_client_cancelled_is_waited_for_no_longer() -> None:
    traffic = Traffic()
    sent(traffic, request(1), request(2), notice("notifications/cancelled", requestId=1))
    assert errors(traffic.lost()[1]) == [2]


def test_a_cancellation_that_waits_behind_its_call_counts_once_it_is_sent() -> None:
    traffic = Traffic()
    traffic.asked(request(1) + notice("notifications/cancelled", requestId=1))
    traffic.next_lines(10**6)
    assert traffic.idle


def test_a_handshake_is_said_again_and_must_be_answered_the_same() -> None:
    traffic = Traffic()
    sent(traffic, request(0, "initialize", v=1), INITIALIZED)
    traffic.answered(answer(0, '{"version":1}'))
    traffic.lost()
    assert traffic.greeting() == request(0, "initialize", v=1)
    assert traffic.greeted(answer(0, '{"version":2}')) is None
    assert traffic.greeted(answer(0, '{"version":1}')) == INITIALIZED
    assert traffic.idle


def test_a_client_that_was_not_yet_initialized_says_that_itself() -> None:
    traffic = Traffic()
    sent(traffic, request(0, "initialize"))
    traffic.answered(answer(0))
    traffic.lost()
    assert traffic.greeted(answer(0)) == b""
    assert sent(traffic, INITIALIZED) == INITIALIZED


def test_a_handshake_without_an_answer_is_simply_sent_again() -> None:
    traffic = Traffic()
    sent(traffic, request(0, "initialize"))
    assert traffic.lost() == (0, b"")
    assert traffic.greeting() == b""
    assert traffic.next_lines(10**6) == request(0, "initialize")


def test_a_session_without_handshake_needs_no_greeting() -> None:
    traffic = Traffic()
    sent(traffic, request(1))
    assert traffic.greeting() == b""


def test_half_an_answer_never_reaches_the_client() -> None:
    traffic = Traffic()
    sent(traffic, request(1))
    whole = answer(1)
    assert traffic.answered(whole[:10]) == b""
    assert errors(traffic.lost()[1]) == [1]
    sent(traffic, request(2))
    assert traffic.answered(answer(2)) == answer(2)


@pytest.mark.parametrize("identifier", [0, -5, 10**15, "", 'q"\\', "ü\n", "x" * 5000, "\\" * 2048])
def test_every_id_is_recognised_in_its_answer(identifier: Any) -> None:
    traffic = Traffic()
    sent(traffic, request(identifier))
    traffic.answered(answer(identifier))
    assert traffic.idle


@pytest.mark.parametrize(
    "text",
    [b"not json\n", b"[1,2]\n", b'{"id":true,"method":"x"}\n', b'{"id":1,"result":{}}\n', b'{"id":1.5,"method":"x"}\n',
     b"\xff\xfe\n", b"[" * 100_000 + b"\n", b'{"method":"notifications/cancelled","params":[1]}\n', b'"get"\n'],
)  # fmt: skip
def test_what_is_no_request_is_passed_on_for_the_daemon_to_judge(text: bytes) -> None:
    traffic = Traffic()
    assert sent(traffic, text) == text
    assert traffic.lost() == (0, b"")


def test_blank_lines_are_left_out_and_a_last_line_without_end_counts() -> None:
    traffic = Traffic()
    assert sent(traffic, b"\n \r\n", request(1).rstrip()) == b""
    traffic.asked_all()
    assert traffic.next_lines(100) == request(1)


def test_a_line_beyond_all_bounds_is_cut_and_the_next_is_whole() -> None:
    traffic = Traffic()
    for _ in range(3):
        traffic.asked(b"x" * LONGEST_LINE)
    traffic.asked(b"x\n" + request(1))
    text = traffic.next_lines(10**9)
    assert len(text.splitlines()[0]) == LONGEST_LINE
    assert text.splitlines(keepends=True)[1] == request(1)


def test_a_window_holds_calls_back_until_others_are_answered() -> None:
    traffic = Traffic()
    traffic.asked(b"".join(request(n) for n in range(5)))
    assert traffic.next_lines(10**9, 2) == request(0) + request(1)
    assert traffic.next_lines(10**9, 2) == b""
    traffic.answered(answer(0))
    assert traffic.next_lines(10**9, 2) == request(2)


def test_what_is_given_up_is_answered() -> None:
    traffic = Traffic()
    traffic.asked(request(1) + notice("x") + request("b"))
    assert errors(traffic.given_up()) == [1, "b"]
    assert traffic.queued == 0


@given(cuts=st.lists(st.integers(1, 60), max_size=40), asked=st.integers(1, 12), answered=st.integers(0, 12))
def test_however_the_bytes_are_cut_nothing_is_lost_or_doubled(
    cuts: list[int], asked: int, answered: int
) -> None:
    traffic = Traffic()
    up = b"".join(request(n) for n in range(asked))
    down = b"".join(answer(n) for n in range(min(asked, answered))) + notice("notifications/progress")
    for piece in pieces(up, cuts):
        traffic.asked(piece)
    assert traffic.queued == len(up)
    assert b"".join(traffic.next_lines(1) for _ in range(asked)) == up
    assert traffic.queued == 0
    assert b"".join(traffic.answered(piece) for piece in pieces(down, cuts)) == down
    assert errors(traffic.lost()[1]) == list(range(min(asked, answered), asked))


def pieces(text: bytes, cuts: list[int]) -> list[bytes]:
    parts: list[bytes] = []
    for cut in cuts:
        parts.append(text[:cut])
        text = text[cut:]
    return [*parts, text]


def _handshaken() -> Traffic:
    traffic = Traffic()
    sent(traffic, request("open", "initialize"), notice("notifications/initialized"))
    traffic.answered(answer("open"))
    return traffic


def _told_to_the_next(traffic: Traffic) -> list[Any]:
    said = traffic.greeted(answer("open"))
    assert said is not None
    return [json.loads(text) for text in said.splitlines()[1:]]


def test_what_a_client_has_subscribed_to_is_asked_for_again_of_the_next_daemon() -> None:
    traffic = _handshaken()
    for key, uri in ((1, "memory://scope/a"), (2, "memory://scope/b"), (3, "memory://scope/no")):
        sent(traffic, request(key, "resources/subscribe", uri=uri))
    traffic.answered(
        answer(1) + answer(2) + b'{"jsonrpc":"2.0","id":3,"error":{"code":-32002,"message":"no"}}\n'
    )
    sent(traffic, request(4, "resources/unsubscribe", uri="memory://scope/b"))
    sent(traffic, request(5, "resources/subscribe", uri="memory://scope/unanswered"))
    traffic.lost()
    (asked,) = _told_to_the_next(traffic)
    assert asked["method"] == "resources/subscribe"
    assert asked["params"] == {"uri": "memory://scope/a"}


def test_its_answer_becomes_the_news_that_something_may_have_changed() -> None:
    traffic = _handshaken()
    sent(traffic, request(1, "resources/subscribe", uri="memory://scope/a"))
    traffic.answered(answer(1))
    traffic.lost()
    (asked,) = _told_to_the_next(traffic)
    heard = traffic.answered(answer(asked["id"]) + answer(7))
    told, other = heard.splitlines()
    assert json.loads(told) == {
        "jsonrpc": "2.0",
        "method": "notifications/resources/updated",
        "params": {"uri": "memory://scope/a"},
    }
    assert other + b"\n" == answer(7)
    traffic.lost()  # and once more
    assert _told_to_the_next(traffic) == [asked]
