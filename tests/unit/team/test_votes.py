from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent_memory.core import limits
from agent_memory.ports.errors import Rejected

if TYPE_CHECKING:
    from .table import Table


async def test_a_vote_answers_how_it_stands(table: Table) -> None:
    await table.vote("cast", choice="tabs", agent_id="ada")
    result = await table.vote("cast", choice="spaces", agent_id="bob", k=1)
    assert result.changed
    assert {one.choice: one.votes for one in result.counts or ()} == {"tabs": 1, "spaces": 1}
    assert (result.leader, result.tied, result.margin) == (None, ("tabs", "spaces"), 0)
    assert (result.decided, result.decision, result.k) == (True, "tabs", 1)


async def test_a_vote_replaces_the_agents_own_and_the_history_stays(table: Table) -> None:
    await table.vote("cast", choice="tabs", agent_id="ada")
    result = await table.vote("cast", choice="spaces", agent_id="ada")
    assert (result.replaced, result.voters, result.leader) == ("tabs", 1, "spaces")
    cast = (await table.vote("list")).votes or ()
    assert [(one.choice, one.replaced) for one in cast] == [("tabs", True), ("spaces", False)]


async def test_who_votes_again_as_before_writes_nothing(table: Table) -> None:
    await table.vote("cast", choice="tabs", agent_id="ada")
    again = await table.vote("cast", choice=" TABS ", agent_id="ada")
    assert (again.changed, again.replaced) == (False, None)
    assert len((await table.vote("list")).votes or ()) == 1


async def test_who_votes_must_be_known(table: Table) -> None:
    with pytest.raises(Rejected, match="agent_id is missing"):
        await table.vote("cast", choice="tabs")


async def test_a_configured_agent_has_one_vote_whatever_its_calls_say(table: Table) -> None:
    await table.vote("cast", choice="tabs", pinned="ada", agent_id="bob")
    await table.vote("cast", choice="tabs", pinned="ada", agent_id="cyd")
    assert (await table.vote("tally")).voters == 1
    assert [one.agent for one in (await table.vote("list")).votes or ()] == ["ada"]


async def test_a_question_is_its_scope_and_its_text(table: Table) -> None:
    await table.vote("cast", choice="tabs", agent_id="ada", scope="acme/web")
    await table.vote("cast", "  tabs?\t", "spaces", agent_id="bob", scope="acme/web")
    for scope, question, voters in (("acme/web", "tabs?", 2), ("acme", "tabs?", 0), ("acme/web", "Tabs?", 0)):
        assert (await table.vote("tally", question, scope=scope)).voters == voters


async def test_questions_of_a_scope_and_below_are_listed(table: Table) -> None:
    for scope in ("acme/web/s1", "acme/web", "acme", "other"):
        await table.vote("cast", choice="tabs", agent_id="ada", scope=scope)
    found = await table.vote("list", None, scope="acme/web")
    assert [one.scope for one in found.questions or ()] == ["acme/web", "acme/web/s1"]
    assert not found.truncated


async def test_beyond_the_ceiling_nobody_votes_or_counts(table: Table) -> None:
    await table.vote("cast", choice="tabs", agent_id="ada", scope="other")
    table.ceiling = "acme"
    for action in ("cast", "tally", "list"):
        given = {"choice": "tabs"} if action == "cast" else {}
        with pytest.raises(Rejected, match="limited to 'acme'"):
            await table.vote(action, **given, agent_id="bob", scope="other")
    assert (await table.vote("list", None)).questions == ()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"action": "cast", "choice": "x", "question": None}, "question"),
        ({"action": "tally", "question": " "}, "question"),
        ({"action": "cast", "choice": None}, "choice"),
        ({"action": "cast", "choice": "a\nb"}, "choice"),
        ({"action": "cast", "choice": "x" * (limits.CHOICE_CHARS + 1)}, "choice"),
        ({"action": "tally", "question": "x" * (limits.QUESTION_CHARS + 1)}, "question"),
    ],
)
async def test_what_cannot_be_meant_is_named(table: Table, given: dict[str, str], field: str) -> None:
    with pytest.raises(Rejected) as refused:
        await table.vote(**given, agent_id="ada")  # pyright: ignore[reportArgumentType] (any of them)
    assert refused.value.field == field


async def test_choices_are_bounded_and_one_that_stands_can_still_be_taken(table: Table) -> None:
    for number in range(limits.CHOICES):
        await table.vote("cast", choice=f"c{number}", agent_id=f"agent-{number}")
    with pytest.raises(Rejected, match="50 choices stand already"):
        await table.vote("cast", choice="another", agent_id="ada")
    assert (await table.vote("cast", choice="C7", agent_id="ada")).leader == "c7"


async def test_many_at_once_are_all_counted(table: Table) -> None:
    await asyncio.gather(*(table.vote("cast", choice="yes", agent_id=f"agent-{n}") for n in range(30)))
    result = await table.vote("tally", k=30)
    assert (result.voters, result.leader, result.decided) == (30, "yes", True)
