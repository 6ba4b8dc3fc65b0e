"""The subscriptions of a connection, over memory: acknowledged first, told after, bounded, ended."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from agent_memory.entrypoints.mcp.application import Application, Opened, ResourceNotFound
from agent_memory.entrypoints.mcp.identity import ServerInfo
from agent_memory.entrypoints.mcp.messages import SUBSCRIPTION_KEY
from agent_memory.entrypoints.mcp.server import McpServer
from agent_memory.entrypoints.mcp.subscribing import MAX_STREAMS, MAX_URIS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from agent_memory.entrypoints.mcp.application import CallContext

ENVELOPE: dict[str, Any] = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
UPDATED = "notifications/resources/updated"


class Source:
    """Has what begins with `x://`. `change` tells whoever listens; `gate`, while closed, holds up who begins."""

    def __init__(self) -> None:
        self.listeners: dict[object, tuple[tuple[str, ...], Callable[[Iterable[str]], None]]] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.early = False

    async def open(
        self, uris: Sequence[str], tell: Callable[[Iterable[str]], None], context: CallContext
    ) -> Opened:
        known = tuple(uri for uri in uris if uri.startswith("x://"))
        if not known:
            raise ResourceNotFound(uris[0])
        if self.early:
            tell(known)
        await self.gate.wait()
        key = object()
        self.listeners[key] = (known, tell)

        def close() -> None:
            self.listeners.pop(key)

        return Opened(known, close)

    def change(self, *uris: str) -> None:
        for known, tell in list(self.listeners.values()):
            if changed := [uri for uri in uris if any(uri.startswith(each) for each in known)]:
                tell(changed)


class Wire:
    def __init__(self, *, old: bool = False) -> None:
        self.source = Source()
        self.written: list[bytes] = []
        server = McpServer(Application(subscriptions=self.source), ServerInfo(name="s", version="1"))
        self.session = server.connect(self.written.append)
        self._old = old
        if old:
            opening = {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "o", "version": "0"},
            }
            self.send("init", "initialize", **opening)
            self.opened = self.heard()[0]["result"]

    def send(self, identifier: object, method: str, **params: Any) -> None:
        meta: dict[str, Any] = {} if self._old else {"_meta": ENVELOPE}
        self._say({"jsonrpc": "2.0", "id": identifier, "method": method, "params": {**params, **meta}})

    def listen(self, identifier: object, *uris: str, **others: Any) -> None:
        wanted = {"resourceSubscriptions": list(uris), **others} if uris else others
        self.send(identifier, "subscriptions/listen", notifications=wanted)

    def cancel(self, identifier: object) -> None:
        params = {"requestId": identifier}
        self._say({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})

    def _say(self, message: dict[str, Any]) -> None:
        self.session.receive(json.dumps(message).encode() + b"\n")

    def heard(self) -> list[Any]:
        data = b"".join(self.written)
        self.written.clear()
        return [json.loads(line) for line in data.splitlines()]

    async def settled(self) -> list[Any]:
        """What was said once no call is under way."""
        while self.session.in_flight:  # noqa: ASYNC110 - the session has no event for it
            await asyncio.sleep(0)
        await asyncio.sleep(0)  # what is flushed at the end of a turn
        return self.heard()


def updates(messages: Sequence[Any]) -> list[str]:
    assert all(message["method"] == UPDATED for message in messages)
    return [message["params"]["uri"] for message in messages]


async def test_the_acknowledgement_comes_first_and_names_what_is_honoured() -> None:
    wire = Wire()
    wire.source.early = True  # a change while it begins
    wire.listen("L", "x://a", "y://b", "x://a", toolsListChanged=True)
    first, second = await wire.settled()
    assert first == {
        "jsonrpc": "2.0",
        "method": "notifications/subscriptions/acknowledged",
        "params": {"notifications": {"resourceSubscriptions": ["x://a"]}, "_meta": {SUBSCRIPTION_KEY: "L"}},
    }
    assert second["params"] == {"uri": "x://a", "_meta": {SUBSCRIPTION_KEY: "L"}}


async def test_each_stream_is_told_under_its_own_id() -> None:
    wire = Wire()
    wire.listen(1, "x://a")
    wire.listen("two", "x://a", "x://b")
    await wire.settled()
    wire.source.change("x://b")
    (told,) = await wire.settled()
    assert told["params"] == {"uri": "x://b", "_meta": {SUBSCRIPTION_KEY: "two"}}
    wire.source.change("x://a/part")
    assert [m["params"]["_meta"][SUBSCRIPTION_KEY] for m in await wire.settled()] == [1, "two"]


async def test_nothing_that_can_be_subscribed_to_is_an_error_and_no_stream() -> None:
    wire = Wire()
    wire.listen(1, "y://a")
    (answer,) = await wire.settled()
    assert answer["error"] == {
        "code": -32602,
        "message": "resource not found: y://a",
        "data": {"uri": "y://a"},
    }
    assert not wire.source.listeners


async def test_a_stream_for_what_is_never_sent_is_acknowledged_as_empty() -> None:
    wire = Wire()
    wire.listen(1, toolsListChanged=True)
    (answer,) = await wire.settled()
    assert answer["params"]["notifications"] == {}


@pytest.mark.parametrize(
    "params", [{}, {"notifications": 1}, {"notifications": {"resourceSubscriptions": [1]}}]
)
async def test_malformed_wishes_are_invalid_params(params: dict[str, Any]) -> None:
    wire = Wire()
    wire.send(1, "subscriptions/listen", **params)
    (answer,) = await wire.settled()
    assert answer["error"]["code"] == -32602


async def test_a_cancelled_stream_ends_without_a_word() -> None:
    wire = Wire()
    wire.listen(1, "x://a")
    await wire.settled()
    wire.cancel(1)
    assert not wire.source.listeners
    wire.source.change("x://a")
    assert await wire.settled() == []
    wire.listen(1, "x://a")  # and its id is free again
    assert len(await wire.settled()) == 1


async def test_one_that_is_cancelled_while_it_begins_leaves_nothing() -> None:
    wire = Wire()
    wire.source.gate.clear()
    wire.listen(1, "x://a")
    await asyncio.sleep(0)
    wire.cancel(1)
    wire.source.gate.set()
    assert await wire.settled() == []
    assert not wire.source.listeners


async def test_the_end_is_told_with_the_streams_id_and_holds_up_nobody() -> None:
    wire = Wire()
    wire.listen(1, "x://a")
    await wire.settled()
    async with asyncio.timeout(5):
        assert await wire.session.drain(600) == 0
    (answer,) = wire.heard()
    assert answer["id"] == 1
    assert answer["result"]["resultType"] == "complete"
    assert answer["result"]["_meta"][SUBSCRIPTION_KEY] == 1
    assert not wire.source.listeners


async def test_one_that_begins_while_the_server_ends_is_ended_too() -> None:
    wire = Wire()
    wire.source.gate.clear()
    wire.listen(1, "x://a")
    await asyncio.sleep(0)
    draining = asyncio.create_task(wire.session.drain(600))
    await asyncio.sleep(0)
    wire.source.gate.set()
    async with asyncio.timeout(5):
        assert await draining == 0
    (answer,) = wire.heard()
    assert answer["result"]["_meta"][SUBSCRIPTION_KEY] == 1
    assert not wire.source.listeners


async def test_a_slow_client_is_told_once_of_what_changed_a_thousand_times() -> None:
    wire = Wire()
    wire.listen(1, "x://a", "x://b")
    await wire.settled()
    wire.session.hold()
    for _ in range(1000):
        wire.source.change("x://a")
    assert await wire.settled() == []
    wire.session.release()
    assert updates(await wire.settled()) == ["x://a"]


async def test_a_slow_client_is_told_of_the_whole_where_too_many_parts_changed() -> None:
    wire = Wire()
    wire.listen(1, "x://a")
    await wire.settled()
    wire.session.hold()
    for part in range(10_000):
        wire.source.change(f"x://a/{part}")
    wire.session.release()
    told = updates(await wire.settled())
    assert "x://a" in told
    assert len(told) < 50


async def test_streams_and_resources_of_a_connection_are_bounded() -> None:
    wire = Wire()
    for number in range(MAX_STREAMS):
        wire.listen(number, f"x://{number}")
    assert len(await wire.settled()) == MAX_STREAMS
    wire.listen("more", "x://more")
    (answer,) = await wire.settled()
    assert answer["error"]["code"] == -32010
    wire.cancel(0)
    wire.listen("more", "x://more")
    (answer,) = await wire.settled()
    assert "error" not in answer


async def test_so_are_the_resources_of_one_stream() -> None:
    wire = Wire()
    wire.listen(1, *(f"x://{number}" for number in range(MAX_URIS + 1)))
    (answer,) = await wire.settled()
    assert answer["error"]["code"] == -32010
    assert not wire.source.listeners


async def test_streams_take_no_place_from_calls() -> None:
    wire = Wire()
    wire.listen(1, "x://a")
    await wire.settled()
    assert wire.session.in_flight == 0


async def test_the_older_eras_subscribe_and_unsubscribe_by_uri() -> None:
    wire = Wire(old=True)
    assert wire.opened["capabilities"]["resources"] == {"subscribe": True}
    wire.send(1, "resources/subscribe", uri="x://a")
    wire.send(2, "resources/subscribe", uri="x://a")
    assert [answer["result"] for answer in await wire.settled()] == [{}, {}]
    wire.source.change("x://a")
    assert await wire.settled() == [{"jsonrpc": "2.0", "method": UPDATED, "params": {"uri": "x://a"}}]
    wire.send(3, "resources/unsubscribe", uri="x://a")
    wire.send(4, "resources/unsubscribe", uri="x://never")
    assert [answer["result"] for answer in await wire.settled()] == [{}, {}]
    assert not wire.source.listeners


async def test_in_the_older_eras_the_error_has_their_code() -> None:
    wire = Wire(old=True)
    wire.send(1, "resources/subscribe", uri="y://a")
    (answer,) = await wire.settled()
    assert answer["error"]["code"] == -32002


async def test_the_end_of_an_older_connection_ends_its_subscriptions_without_a_word() -> None:
    wire = Wire(old=True)
    wire.send(1, "resources/subscribe", uri="x://a")
    await wire.settled()
    await wire.session.drain(600)
    assert wire.heard() == []
    assert not wire.source.listeners


@pytest.mark.parametrize(("old", "method"), [(True, "subscriptions/listen"), (False, "resources/subscribe")])
async def test_an_era_has_only_its_own_methods(old: bool, method: str) -> None:
    wire = Wire(old=old)
    wire.send(1, method, uri="x://a", notifications={})
    (answer,) = await wire.settled()
    assert answer["error"]["code"] == -32601
