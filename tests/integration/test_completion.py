"""Scopes, tags and entries complete, in either era, as far as the caller may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from mcp import MCPError
from mcp_types import PromptReference, ResourceTemplateReference

from .told import connected, remember, shape

if TYPE_CHECKING:
    from mcp.client import Client

MODES = pytest.mark.parametrize("mode", ["legacy", "auto"])
BEFORE = PromptReference(type="ref/prompt", name="recall-before-work")
SCOPES = ResourceTemplateReference(type="ref/resource", uri="memory://scope/{+scope}")
ENTRIES = ResourceTemplateReference(type="ref/resource", uri="memory://entry/{id}")
TAGS = ResourceTemplateReference(type="ref/resource", uri="memory://tag/{tag}")


async def tagged(client: Client, scope: str, *tags: str) -> None:
    entries = [{"content": f"{scope} {tag}", "scope": scope, "tags": [tag]} for tag in tags]
    assert not (await client.call_tool("memory_remember", {"entries": entries})).is_error


@MODES
async def test_scopes_complete_by_their_beginning(mode: str) -> None:
    async with shape("embedded") as environment, connected(environment, mode=mode) as client:
        assert client.server_capabilities is not None
        assert client.server_capabilities.completions is not None
        for scope in ("acme", "acme/web", "acme/web/s1", "acne", "other"):
            await remember(client, "x", scope)
        for reference in (BEFORE, SCOPES):
            answer = (await client.complete(reference, {"name": "scope", "value": "acm"})).completion
            assert answer.values == ["acme", "acme/web", "acme/web/s1"]
            assert (answer.total, bool(answer.has_more)) == (3, False)


@MODES
async def test_more_than_a_hundred_are_said_to_be_more(mode: str) -> None:
    async with shape("embedded") as environment, connected(environment, mode=mode) as client:
        for start in (0, 60):
            entries = [{"content": "x", "scope": f"org-{n:03}"} for n in range(start, start + 60)]
            await client.call_tool("memory_remember", {"entries": entries})
        answer = (await client.complete(SCOPES, {"name": "scope", "value": "org"})).completion
        assert answer.values == [f"org-{n:03}" for n in range(100)]
        assert (answer.total, answer.has_more) == (None, True)
        exactly = (await client.complete(SCOPES, {"name": "scope", "value": "org-0"})).completion
        assert (len(exactly.values), exactly.total, bool(exactly.has_more)) == (100, 100, False)


async def test_tags_complete_most_used_first_within_the_scope_that_is_settled() -> None:
    async with shape("embedded") as environment, connected(environment) as client:
        await tagged(client, "acme", "layout", "lavender")
        await tagged(client, "acme/web", "layout")
        await tagged(client, "other", "latin")
        tag = {"name": "tag", "value": "LA"}
        assert (await client.complete(TAGS, tag)).completion.values == ["layout", "latin", "lavender"]
        within = await client.complete(TAGS, tag, context_arguments={"scope": "acme/web"})
        assert within.completion.values == ["layout", "lavender"]
        several = {"name": "tags", "value": "layout, la"}
        answer = (await client.complete(BEFORE, several)).completion
        assert answer.values == ["layout, latin", "layout, lavender"]


async def test_entries_complete_by_the_beginning_of_their_ids() -> None:
    async with shape("embedded") as environment, connected(environment) as client:
        first, second = await remember(client, "a", "acme"), await remember(client, "b", "acme")
        answer = (await client.complete(ENTRIES, {"name": "id", "value": ""})).completion
        assert answer.values == [second, first]
        answer = (await client.complete(ENTRIES, {"name": "id", "value": first})).completion
        assert (answer.values, answer.total) == ([first], 1)


async def test_free_text_has_nothing_to_offer_and_what_is_not_ours_is_refused() -> None:
    async with shape("embedded") as environment, connected(environment) as client:
        await tagged(client, "acme", "layout")
        for argument in ({"name": "task", "value": "l"}, {"name": "scope", "value": "a" * 5000}):
            answer = (await client.complete(BEFORE, argument)).completion
            assert (answer.values, answer.total, bool(answer.has_more)) == ([], 0, False)
        for reference in (PromptReference(type="ref/prompt", name="no"),
                          ResourceTemplateReference(type="ref/resource", uri="memory://no/{x}")):  # fmt: skip
            with pytest.raises(MCPError) as refused:
                await client.complete(reference, {"name": "scope", "value": ""})
            assert refused.value.error.code == -32602


async def test_nothing_beyond_the_ceiling_is_offered() -> None:
    async with shape("embedded") as environment, connected(environment) as everybody:
        await tagged(everybody, "acme/web", "layout")
        for scope in ("global", "acme2", "other"):
            await tagged(everybody, scope, "latin")
        async with connected(environment | {"AGENT_MEMORY_SCOPE": "acme"}) as client:
            for reference, argument, values in (
                (SCOPES, "scope", ["acme/web"]),
                (TAGS, "tag", ["layout"]),
            ):
                answer = (await client.complete(reference, {"name": argument, "value": ""})).completion
                assert (answer.values, answer.total) == (values, 1)
            answer = (await client.complete(ENTRIES, {"name": "id", "value": ""})).completion
            assert len(answer.values) == 1
            with pytest.raises(MCPError):
                await client.complete(
                    TAGS, {"name": "tag", "value": ""}, context_arguments={"scope": "other"}
                )
