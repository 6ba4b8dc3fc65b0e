from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent_memory.core.sessions import BY_ITSELF, SUMMARY_TAG
from agent_memory.core.upkeep import end_idle_sessions
from agent_memory.ports.errors import Conflict, NotFound, Rejected
from agent_memory.ports.scopes import ScopeFilter

from ..saboteurs.storage_wrapper import Wrapper

if TYPE_CHECKING:
    from agent_memory.core.results_team import SessionView
    from agent_memory.ports.records import Session
    from agent_memory.ports.storage import Storage

    from .table import Table

IDLE = 100.0


async def latest(table: Table, scope: str = "acme/web/s1") -> SessionView:
    found = (await table.session("get", scope)).session
    assert found is not None
    return found


async def end_idle(table: Table) -> None:
    await end_idle_sessions(table.store, IDLE, table.clock.now())


async def test_a_session_begins_and_ends(table: Table) -> None:
    begun = await table.session("begin", purpose=" fix it ", agent_id="ada")
    assert begun.changed
    assert begun.session is not None
    assert (begun.session.state, begun.session.purpose, begun.session.agent) == ("open", "fix it", "ada")
    await table.clock.advance(5)
    ended = (await table.session("end", summary="fixed", agent_id="bob")).session
    assert ended is not None
    assert (ended.id, ended.state, ended.summary) == (begun.session.id, "ended", "fixed")
    assert ended.ended_at == table.clock.now()
    assert msgspec.structs.replace(await latest(table), entries=None) == ended


async def test_a_project_is_given_a_session_of_its_own_each_time(table: Table) -> None:
    scopes: set[str] = set()
    for _ in range(3):
        begun = (await table.session("begin", "acme/web")).session
        assert begun is not None
        scopes.add(begun.scope)
    assert len(scopes) == 3
    assert all(scope.startswith("acme/web/20250101-000000-") for scope in scopes)


@pytest.mark.parametrize("scope", [None, "acme"])
async def test_a_session_needs_a_project(table: Table, scope: str | None) -> None:
    with pytest.raises(Rejected, match="a session stands below a project"):
        await table.session("begin", scope)


async def test_an_open_session_is_in_the_way_of_another_in_its_scope(table: Table) -> None:
    await table.session("begin", purpose="fix it", agent_id="ada")
    with pytest.raises(Conflict, match="open session \\(agent ada, purpose 'fix it'\\): go on in it"):
        await table.session("begin", purpose="fix it", agent_id="bob")


async def test_who_begins_again_is_told_of_what_stands(table: Table) -> None:
    begun = await table.session("begin", purpose="fix it", agent_id="ada")
    again = await table.session("begin", purpose="fix it", agent_id="ada")
    assert (again.changed, again.session) == (False, begun.session)
    await table.session("begin", "acme/web/s2", purpose="fix it")
    with pytest.raises(Conflict):
        await table.session("begin", "acme/web/s2", purpose="fix it")


async def test_one_of_many_at_once_begins_it(table: Table) -> None:
    results = await asyncio.gather(
        *(table.session("begin", agent_id=f"agent-{n}") for n in range(10)), return_exceptions=True
    )
    assert sum(isinstance(result, Conflict) for result in results) == 9


async def test_the_summary_is_recalled_in_the_whole_project(table: Table) -> None:
    await table.session("begin", purpose="fix the parser")
    result = await table.session("end", summary="The parser drops the last line.", agent_id="ada")
    assert result.summary_entry is not None
    (found,) = await table.recall("which line does the parser drop", "acme/web/another")
    assert (found.id, found.kind, found.scope) == (result.summary_entry, "experience", "acme/web")
    assert (found.title, found.tags) == ("Session s1: fix the parser", (SUMMARY_TAG,))
    assert found.source.agent == "ada"
    (entry,) = (await table.get(result.summary_entry)).entries
    begun = await latest(table)
    assert entry.metadata == {"session": begun.id, "session_scope": "acme/web/s1"}
    assert begun.summary == entry.content


async def test_within_a_ceiling_of_its_own_the_summary_stays_there(table: Table) -> None:
    table.ceiling = "acme/web/s1"
    await table.session("begin", None)
    result = await table.session("end", None, summary="done")
    (entry,) = (await table.get(result.summary_entry or "")).entries
    assert entry.scope == "acme/web/s1"


async def test_without_a_summary_nothing_is_left_behind(table: Table) -> None:
    await table.session("begin")
    result = await table.session("end", summary=" \n")
    assert result.summary_entry is None
    assert (await latest(table)).summary == ""
    assert await table.recall("") == ()


async def test_ending_it_again_says_the_same_and_changes_nothing(table: Table) -> None:
    await table.session("begin")
    first = await table.session("end", summary="done")
    await table.clock.advance(9)
    for summary in ("done", ""):
        again = await table.session("end", summary=summary)
        assert (again.changed, again.session) == (False, first.session)
    with pytest.raises(Conflict, match="another summary"):
        await table.session("end", summary="done otherwise")


async def test_one_of_many_summaries_at_once_stands(table: Table) -> None:
    await table.session("begin")
    results = await asyncio.gather(
        *(table.session("end", summary=f"by {n}") for n in range(10)), return_exceptions=True
    )
    assert sum(isinstance(result, Conflict) for result in results) == 9
    (entry,) = await table.recall("", "acme/web")
    assert entry.content == (await latest(table)).summary


async def test_a_scope_is_used_again_after_its_session(table: Table) -> None:
    first = (await table.session("begin", purpose="one")).session
    await table.session("end")
    second = (await table.session("begin", purpose="two")).session
    assert first is not None
    assert second is not None
    assert first.id != second.id
    assert (await latest(table)).purpose == "two"


async def test_get_counts_what_its_scope_holds(table: Table) -> None:
    await table.session("begin")
    await table.remember("one", "acme/web/s1")
    await table.remember("two", "acme/web/s1", kind="knowledge")
    await table.remember("elsewhere", "acme/web")
    entries = (await latest(table)).entries
    assert entries is not None
    assert (entries.total, entries.by_kind) == (2, {"note": 1, "knowledge": 1})


async def test_list_shows_open_ones_first_within_its_limit(table: Table) -> None:
    for name in "abcd":
        await table.session("begin", f"acme/web/{name}")
        await table.clock.advance(1)
    for name in "bd":
        await table.session("end", f"acme/web/{name}", summary="long " * 200)
    await table.session("begin", "other/web/x")

    async def names(limit: int) -> tuple[str, bool | None]:
        found = await table.session("list", "acme", limit=limit)
        return "".join(one.scope[-1] for one in found.sessions or ()), found.truncated

    assert await names(9) == ("cadb", False)
    assert await names(4) == ("cadb", False)
    assert await names(3) == ("cad", True)
    assert await names(1) == ("c", True)
    listed = (await table.session("list", "acme/web")).sessions or ()
    assert [one.summary_truncated for one in listed] == [False, False, True, True]


@pytest.mark.parametrize("action", ["end", "get"])
async def test_which_session_is_meant_must_be_said(table: Table, action: str) -> None:
    await table.session("begin", "acme/web/s7")
    with pytest.raises(Rejected, match="open there: acme/web/s7"):
        await table.session(action, "acme/web")
    with pytest.raises(NotFound, match="no session was begun in 'acme/web/s8'"):
        await table.session(action, "acme/web/s8")


async def test_beyond_the_ceiling_there_are_no_sessions(table: Table) -> None:
    await table.session("begin", "other/web/s1")
    table.ceiling = "acme"
    for action in ("begin", "end", "get", "list"):
        with pytest.raises(Rejected, match="limited to 'acme'"):
            await table.session(action, "other/web/s1")
    assert (await table.session("list", None)).sessions == ()


async def test_a_session_that_nobody_ends_says_so(table: Table) -> None:
    await table.session("begin")
    await table.clock.advance(IDLE)
    await end_idle(table)
    over = await latest(table)
    assert over.state == "ended"
    assert over.summary == f"{BY_ITSELF}: nothing was written in it for 100 seconds."
    assert await table.recall("") == ()


async def test_writing_in_its_scope_keeps_a_session_open(table: Table) -> None:
    await table.session("begin")
    first = await table.remember("old news", "acme/web/s1", occurred_at="1999-01-01")
    await table.clock.advance(IDLE - 10)
    for number in range(60):
        await table.remember(f"beside {number}", "acme/web")
    await table.remember("newer", "acme/web/s1", occurred_at="1998-01-01")
    await table.clock.advance(IDLE - 10)
    await end_idle(table)
    assert (await latest(table)).state == "open"
    await table.clock.advance(20)
    await end_idle(table)
    assert (await latest(table)).state == "ended"
    assert first.version == 1


async def test_one_that_ended_by_itself_can_still_be_told_about(table: Table) -> None:
    await table.session("begin")
    await table.clock.advance(IDLE)
    await end_idle(table)
    over = await latest(table)
    told = await table.session("end", summary="it was done after all")
    assert told.session is not None
    assert (told.session.summary, told.session.ended_at) == ("it was done after all", over.ended_at)
    with pytest.raises(Conflict):
        await table.session("end", summary="or not")


class ReadBefore(Wrapper):
    """A store of which someone has read the sessions already."""

    def __init__(self, inner: Storage, stale: list[Session]) -> None:
        super().__init__(inner)
        self.stale = stale

    async def sessions(
        self, where: ScopeFilter, *, open_only: bool = False, limit: int = 50
    ) -> list[Session]:
        return self.stale


async def test_an_end_that_comes_late_overwrites_no_summary(table: Table) -> None:
    """Who looks for idle sessions read this one as open; by the time it ends it, its agent has."""
    await table.session("begin")
    await table.clock.advance(IDLE)
    stale = await table.store.sessions(ScopeFilter(descendants=True), open_only=True)
    await table.session("end", summary="done in time")
    await end_idle_sessions(ReadBefore(table.store, stale), IDLE, table.clock.now())
    assert (await latest(table)).summary == "done in time"
