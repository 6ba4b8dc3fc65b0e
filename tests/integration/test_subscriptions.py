"""Who subscribed is told of what changes, whichever process wrote it, in every shape; and of nothing beyond."""

from __future__ import annotations

import asyncio
import warnings
from typing import TYPE_CHECKING

import pytest
from mcp import MCPError

from .daemon.household import a_home, daemon_of
from .told import SHAPES, connected, listening, remember, shape, subscribe

if TYPE_CHECKING:
    from collections.abc import Generator

ERAS = pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
OF_SCOPE = "memory://scope/"


@pytest.fixture(autouse=True)
def the_older_eras_methods_are_deprecated_in_the_sdk() -> Generator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="resources/")
        yield


@ERAS
@pytest.mark.parametrize("name", SHAPES)
async def test_another_process_write_is_told(name: str, mode: str) -> None:
    async with shape(name) as environment, connected(environment) as writer:
        before = await remember(writer, "what was there", "acme/web")
        uris = (OF_SCOPE + "acme/web", f"memory://entry/{before}")
        async with listening(environment, mode, *uris) as listener:
            await remember(writer, "of another org", "other")
            await remember(writer, "new", "acme/web")
            assert await listener.heard() == OF_SCOPE + "acme/web"
            changed = await writer.call_tool("memory_update", {"id": before, "title": "T"})
            assert not changed.is_error
            assert set(await listener.until(f"memory://entry/{before}")) <= {OF_SCOPE + "acme/web"}


@ERAS
async def test_so_is_one_of_the_same_connection_what_is_inherited_and_what_is_below(mode: str) -> None:
    async with (
        shape("embedded") as environment,
        listening(environment, mode, OF_SCOPE + "acme/web") as listener,
    ):
        await remember(listener.client, "mine", "acme/web")
        assert await listener.heard() == OF_SCOPE + "acme/web"
        await remember(listener.client, "inherited", "acme")
        assert await listener.heard() == OF_SCOPE + "acme/web"
        await remember(listener.client, "a session's", "acme/web/s1")
        assert await listener.heard() == OF_SCOPE + "acme/web/s1"


@ERAS
async def test_what_lies_beyond_the_ceiling_is_not_there(mode: str) -> None:
    async with shape("embedded") as environment, connected(environment) as writer:
        outside = await remember(writer, "theirs", "other")
        limited = environment | {"AGENT_MEMORY_SCOPE": "acme"}
        uris = (f"memory://entry/{outside}", OF_SCOPE + "acme", "memory://stats")
        async with listening(limited, mode, *uris) as listener:
            for uri in (OF_SCOPE + "other", OF_SCOPE + "global", "memory://nonsense", OF_SCOPE + "a//b"):
                with pytest.raises(MCPError) as refused:
                    await subscribe(listener.client, mode, uri)
                assert refused.value.error.code == (-32002 if mode == "legacy" else -32602)
                assert uri in refused.value.error.message
            await writer.call_tool("memory_update", {"id": outside, "title": "T"})
            await remember(writer, "theirs again", "other")
            await remember(writer, "everybody's", "global")
            await remember(writer, "ours", "acme")
            assert {await listener.heard(), await listener.heard()} == {OF_SCOPE + "acme", "memory://stats"}


@ERAS
async def test_a_tag_is_told_of_what_carries_it_or_did_and_of_nothing_else(mode: str) -> None:
    async with shape("embedded") as environment, connected(environment) as writer:
        tagged = await remember(writer, "tagged", "acme", tags=["Deploy"])
        plain = await remember(writer, "plain", "acme")
        tag = "memory://tag/deploy"
        async with listening(environment, mode, tag, "memory://entry/" + plain) as listener:
            for arguments, told in (
                ({"id": plain, "title": "T"}, "memory://entry/" + plain),
                ({"id": tagged, "title": "T"}, tag),
                ({"id": tagged, "remove_tags": ["deploy"]}, tag),
            ):
                assert not (await writer.call_tool("memory_update", arguments)).is_error
                assert await listener.heard() == told
            # It carries the tag no more, and did not before this change: the next thing told is another.
            assert not (await writer.call_tool("memory_update", {"id": tagged, "title": "U"})).is_error
            assert not (await writer.call_tool("memory_update", {"id": plain, "title": "U"})).is_error
            assert await listener.heard() == "memory://entry/" + plain


@ERAS
@pytest.mark.parametrize("name", SHAPES)
async def test_a_relation_is_told_at_both_ends(name: str, mode: str) -> None:
    async with shape(name) as environment, connected(environment) as writer:
        one, other = await remember(writer, "one", "acme"), await remember(writer, "other", "acme/web")
        async with listening(environment, mode, f"memory://entry/{other}") as listener:
            for action in ("link", "unlink"):
                tie = {"action": action, "from": one, "to": other}
                assert not (await writer.call_tool("memory_link", tie)).is_error
                assert await listener.heard() == f"memory://entry/{other}"


async def test_a_part_of_the_wishes_is_acknowledged_as_such() -> None:
    async with shape("embedded") as environment, connected(environment, mode="2026-07-28") as client:
        uris = ["memory://nonsense", OF_SCOPE + "acme"]
        async with client.listen(resource_subscriptions=uris, tools_list_changed=True) as events:
            honoured = events.honored
    assert honoured.resource_subscriptions == [OF_SCOPE + "acme"]
    assert honoured.tools_list_changed is None


async def test_who_unsubscribes_hears_no_more() -> None:
    async with (
        shape("embedded") as environment,
        listening(environment, "legacy", OF_SCOPE + "acme", OF_SCOPE + "other") as listener,
    ):
        await listener.client.session.unsubscribe_resource(OF_SCOPE + "acme")  # pyright: ignore[reportDeprecated]
        await remember(listener.client, "unheard", "acme")
        await remember(listener.client, "heard", "other")
        assert await listener.heard() == OF_SCOPE + "other"


async def test_an_older_clients_subscription_outlives_its_daemon() -> None:
    async with a_home() as home:
        environment = home.environment(DAEMON="required")
        async with daemon_of(home) as first, listening(environment, "legacy", OF_SCOPE + "acme") as listener:
            first.kill()
            await first.wait()
            async with daemon_of(home), connected(environment) as writer:
                # What may have changed while nobody looked is told first.
                assert await listener.heard() == OF_SCOPE + "acme"
                await remember(writer, "after", "acme")
                assert await listener.heard() == OF_SCOPE + "acme"


async def test_a_daemon_that_ends_ends_its_streams_in_good_order() -> None:
    async with a_home() as home:
        environment = home.environment(DAEMON="required")
        async with (
            daemon_of(home) as first,
            connected(environment, mode="2026-07-28") as client,
            client.listen(resource_subscriptions=[OF_SCOPE + "acme"]) as events,
        ):
            first.terminate()
            async with asyncio.timeout(60):
                assert [event async for event in events] == []
                assert await first.wait() == 0
