from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from agent_memory.core.text import tokens
from agent_memory.entrypoints.mcp.text_team import context_told
from agent_memory.ports.errors import Misconfigured, Rejected, Unavailable

if TYPE_CHECKING:
    from agent_memory.core.results_team import ContextResult

    from .table import Table


def said(result: ContextResult) -> list[str]:
    return [one.content for one in (*result.guidelines, *result.knowledge)]


async def furnish(table: Table) -> None:
    for number in range(6):
        await table.remember(f"Rule {number}: check it twice before it goes out.", "acme", kind="guideline")
        await table.remember(f"The parser reads line {number} on its own.", kind="knowledge")
        await table.clock.advance(60)
    await table.session("begin", "acme/web/s1", purpose="fix the parser", agent_id="ada")
    await table.session("end", "acme/web/s1", summary="Half of the parser is fixed.", agent_id="ada")
    await table.session("begin", "acme/web/s2", purpose="fix the rest", agent_id="bob")
    await table.check_out("src/parse.py", "bob")


async def test_it_tells_rules_knowledge_hand_overs_sessions_and_locks_in_that_order(table: Table) -> None:
    await table.remember("Run the tests.", "acme", kind="guideline", title="Tests")
    await table.remember("The parser is slow.", kind="knowledge")
    await table.session("begin", "acme/web/s1", purpose="fix it", agent_id="ada")
    await table.session("end", "acme/web/s1", summary="Half done:\nthe rest is open.")
    await table.session("begin", "acme/web/s2", purpose="the rest", agent_id="bob")
    await table.check_out("src/parse.py", "bob")
    result = await table.context("acme/web/s3")
    rule, fact = result.guidelines[0].id, result.knowledge[0].id
    assert context_told(result) == (
        f"# Guidelines\n{rule} guideline in acme, 2025-01-01, version 1, from ide, test: Tests\n> Run the tests.\n"
        f"# Known\n{fact} knowledge in acme/web, 2025-01-01, version 1, from ide, test\n> The parser is slow.\n"
        "# Handed over\nacme/web/s1 ended, begun 2025-01-01, ended 2025-01-01, agent ada: fix it\n"
        "> Half done:\n> the rest is open.\n"
        "# Open sessions\nacme/web/s2, agent bob: the rest\n"
        "# Files checked out\nsrc/parse.py: bob"
    )
    assert not result.truncated
    assert not result.degraded


async def test_where_nothing_is_known_it_says_so(table: Table) -> None:
    assert context_told(await table.context()) == "Nothing is known here yet."


@pytest.mark.parametrize("task", ["", "read lines with the parser"])
async def test_it_is_the_same_to_the_byte_while_nothing_changes(table: Table, task: str) -> None:
    await furnish(table)

    async def told() -> tuple[str, bytes]:
        result = await table.context(task=task)
        return context_told(result), msgspec.json.encode(result)

    first = await told()
    for seconds in (1, 100, 190):  # the file is locked for 300
        await table.clock.advance(seconds)
        assert await told() == first


async def test_a_lock_that_is_renewed_changes_nothing_and_a_new_entry_only_what_follows_it(
    table: Table,
) -> None:
    await furnish(table)
    before = context_told(await table.context())
    await table.remember("Rule 9: the newest.", "acme", kind="guideline")
    after = context_told(await table.context())
    rules = before.partition("# Known")[0]
    assert after.startswith(rules)
    assert after.partition("# Known")[2] == before.partition("# Known")[2]


async def test_important_rules_come_first(table: Table) -> None:
    for importance in (0.5, 0.9, 0.1):
        await table.remember(f"rule of {importance}", kind="guideline", importance=importance)
    assert said(await table.context()) == ["rule of 0.9", "rule of 0.5", "rule of 0.1"]


async def test_without_a_task_the_important_comes_first_then_the_new(table: Table) -> None:
    for content, importance in (("old", 0.5), ("vital", 0.9), ("new", 0.5), ("idle", 0.1)):
        await table.remember(content, importance=importance)
        await table.clock.advance(60)
    assert said(await table.context()) == ["vital", "new", "old", "idle"]


async def test_with_a_task_what_belongs_to_it_comes(table: Table) -> None:
    await table.remember("The parser is slow on long lines.", importance=0.1)
    await table.remember("Grace likes the blue theme.", importance=0.9)
    assert said(await table.context(task="make the parser faster")) == ["The parser is slow on long lines."]
    assert len(said(await table.context(task="quarterly zebra"))) == 2


async def test_what_is_not_live_or_not_in_sight_is_left_out(table: Table) -> None:
    await table.remember("above", "acme")
    await table.remember("beside", "acme/api")
    await table.remember("below", "acme/web/s1")
    await table.remember("later", valid_from="2025-02-01")
    await table.remember("over soon", expires_at="2025-01-01T00:01:00Z")
    assert sorted(said(await table.context())) == ["above", "over soon"]
    await table.clock.advance(61)
    assert said(await table.context()) == ["above"]


async def test_others_work_is_that_of_the_project(table: Table) -> None:
    for scope in ("acme/web/s1", "acme/api/s1", "other/web/s1"):
        await table.session("begin", scope)

    async def open_at(scope: str | None) -> list[str]:
        return [one.scope for one in (await table.context(scope)).sessions]

    assert await open_at("acme/web/s9") == ["acme/web/s1"]
    assert await open_at("acme") == ["acme/web/s1", "acme/api/s1"]
    table.ceiling = "acme/api"
    assert await open_at(None) == ["acme/api/s1"]
    with pytest.raises(Rejected):
        await table.context("acme/web")


async def test_the_last_hand_overs_are_shown_once_and_the_newest_first(table: Table) -> None:
    for name in "abcde":
        await table.session("begin", f"acme/web/{name}")
        await table.clock.advance(1)
        await table.session("end", f"acme/web/{name}", summary=f"{name} was done")
    result = await table.context()
    assert [one.summary for one in result.handovers] == ["e was done", "d was done", "c was done"]
    assert said(result) == ["b was done", "a was done"]


async def test_a_task_that_finds_hand_overs_only_is_told_what_else_there_is(table: Table) -> None:
    await table.session("begin")
    await table.session("end", summary="The parser is open.")
    await table.remember("Grace likes the blue theme.")
    result = await table.context(task="what is open")
    assert [one.summary for one in result.handovers] == ["The parser is open."]
    assert said(result) == ["Grace likes the blue theme."]


@pytest.mark.parametrize("budget", [200, 230, 300, 500, 900, 1500, 4000])
@pytest.mark.parametrize("task", ["", "parser"])
async def test_it_keeps_within_its_budget_and_says_what_that_cost(
    table: Table, budget: int, task: str
) -> None:
    await furnish(table)
    for number in range(5):
        await table.remember(f"The parser, in detail {number}: " + "more and more " * 60, title="Parser")
    result = await table.context(max_tokens=budget, task=task)
    assert tokens(context_told(result)) <= budget
    whole = await table.context(max_tokens=20_000, task=task)
    assert not whole.truncated
    assert result.truncated == (said(result) != said(whole) or len(result.handovers) < 1)


async def test_rules_and_knowledge_share_what_there_is(table: Table) -> None:
    for number in range(40):
        await table.remember(f"rule {number} " + "of many " * 20, kind="guideline")
        await table.remember(f"fact {number} " + "of many " * 20)
    result = await table.context(max_tokens=2000)
    assert len(result.guidelines) >= 5
    assert len(result.knowledge) >= 5
    assert result.truncated


async def test_locks_that_cannot_be_asked_hide_nothing_else(table: Table) -> None:
    await furnish(table)
    result = await table.without_locks(Unavailable("redis: gone")).context()
    assert result.degraded
    assert result.locks == ()
    assert result.sessions
    assert context_told(result).endswith("could not be asked)")
    with pytest.raises(Misconfigured):
        await table.without_locks(Misconfigured("redis: no password")).context()


@pytest.mark.parametrize("task", ["", "parser"])
@pytest.mark.parametrize(("kind", "least"), [("knowledge", 25), ("guideline", 100)])
async def test_what_is_left_out_for_its_number_is_told(
    table: Table, task: str, kind: str, least: int
) -> None:
    for number in range(least):
        await table.remember(f"The parser reads line {number}.", kind=kind)
    assert not (await table.context(max_tokens=20_000, task=task)).truncated
    for number in range(least, 101):
        await table.remember(f"The parser reads line {number}.", kind=kind)
    result = await table.context(max_tokens=20_000, task=task)
    assert result.truncated
    assert len(said(result)) == (25 if task and kind == "knowledge" else 100)


@pytest.mark.parametrize("title", ["", "A title of some length: " * 8])
async def test_no_fact_takes_the_place_of_the_first_rule(table: Table, title: str) -> None:
    for number in range(10):
        await table.remember(f"rule {number} " + "of many " * 40, kind="guideline", title=title)
        await table.remember(f"fact {number}")
    for budget in (200, 210, 250, 300):
        result = await table.context(max_tokens=budget)
        assert result.guidelines or not result.knowledge
        assert result.guidelines or title
        assert tokens(context_told(result)) <= budget
        assert result.truncated
