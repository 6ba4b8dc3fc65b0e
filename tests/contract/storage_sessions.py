"""STORAGE-152 to STORAGE-159, 290 and 291: sessions and votes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from agent_memory.ports.changes import Applied, CastVote, PutSession
from agent_memory.ports.errors import Conflict
from agent_memory.ports.queries import Question
from agent_memory.ports.scopes import ScopeFilter

from .builders import after, session, vote
from .storage_reads import ALL_SCOPES, settled, state_of
from .suite import Suite, level

if TYPE_CHECKING:
    from .storage_harness import StorageHarness


class StorageSessions(Suite):
    async def test_storage_152_a_session_is_replaced_by_id(self, harness: StorageHarness) -> None:
        """Every field; there is one of it."""
        begun = session(purpose="write", agent="ada")
        ended = msgspec.structs.replace(begun, summary="written", last_active_at=after(5), ended_at=after(6))
        async with harness.open() as store:
            await store.apply(PutSession(begun))
            assert await store.sessions(ALL_SCOPES) == [begun]
            await store.apply(PutSession(ended))
            assert await store.sessions(ALL_SCOPES) == [ended]

    async def test_storage_153_a_scope_has_one_open_session(self, harness: StorageHarness) -> None:
        """Another is a `Conflict` until that one has ended; elsewhere, or ended already, it is none."""
        first, second = session(began=1), session(began=2)
        closed = msgspec.structs.replace(first, ended_at=after(3))
        async with harness.open() as store:
            await store.apply(PutSession(first))
            before = await state_of(store)
            with pytest.raises(Conflict):
                await store.apply(PutSession(second))
            assert await state_of(store) == before
            await store.apply(PutSession(session("acme/web/s2")), PutSession(session(began=0, ended=1)))
            await store.apply(PutSession(closed), PutSession(second))
            with pytest.raises(Conflict):
                await store.apply(PutSession(first))

    @level("concurrent")
    async def test_storage_154_one_of_many_sessions_at_once_is_opened(self, harness: StorageHarness) -> None:
        """Twenty at once on one scope."""
        async with harness.open() as store:
            results = await settled(*(store.apply(PutSession(session())) for _ in range(20)))
            assert [isinstance(result, Applied) for result in results].count(True) == 1
            assert [isinstance(result, Conflict) for result in results].count(True) == 19
            assert len(await store.sessions(ALL_SCOPES)) == 1

    async def test_storage_155_sessions_come_most_recently_begun_first(self, harness: StorageHarness) -> None:
        """The limit cuts the oldest."""
        new = [session(f"acme/web/s{n}", began=began) for n, began in enumerate((5, 9, 1, 7))]
        async with harness.open() as store:
            await store.apply(*(PutSession(s) for s in new))
            assert await store.sessions(ALL_SCOPES) == [new[1], new[3], new[0], new[2]]
            assert await store.sessions(ALL_SCOPES, limit=2) == [new[1], new[3]]

    async def test_storage_156_sessions_can_be_asked_for_by_scope_and_openness(
        self, harness: StorageHarness
    ) -> None:
        """As scope filters say; both act before the limit."""
        mine, over = session("acme/web/s1", began=1), session("acme/web/s1", began=2, ended=3)
        others = [session(f"acme/web2/s{n}", began=10 + n) for n in range(5)]
        where = ScopeFilter(scope="acme/web", inherit=False, descendants=True)
        async with harness.open() as store:
            await store.apply(*(PutSession(s) for s in (mine, over, *others)))
            assert await store.sessions(where, limit=2) == [over, mine]
            assert await store.sessions(where, open_only=True, limit=1) == [mine]
            assert await store.sessions(ScopeFilter(scope="acme/web")) == []
            assert await store.sessions(ScopeFilter(descendants=True, ceiling="acme/web")) == [over, mine]

    async def test_storage_157_votes_come_in_the_order_cast(self, harness: StorageHarness) -> None:
        """Whatever their instants say; replaced ones included."""
        cast = [
            vote("ada", "yes", seconds=5),
            vote("bob", "no", seconds=1),
            vote("ada", "no", seconds=1),
            vote("ada", "yes", seconds=1),
        ]
        async with harness.open() as store:
            for one in cast:
                await store.apply(CastVote(one))
            assert await store.votes("acme", "tabs?") == cast

    async def test_storage_158_questions_are_apart(self, harness: StorageHarness) -> None:
        """By exact scope and exact text."""
        mine = vote("ada", "yes")
        others = [
            vote("ada", "no", question="Tabs?"),
            vote("ada", "no", question="tabs? "),
            vote("ada", "no", scope="acme/web"),
            vote("ada", "no", scope="global"),
        ]
        async with harness.open() as store:
            await store.apply(CastVote(mine), *(CastVote(v) for v in others))
            assert await store.votes("acme", "tabs?") == [mine]
            assert await store.votes("acme", "spaces?") == []

    @level("concurrent")
    async def test_storage_159_votes_at_once_are_all_counted(self, harness: StorageHarness) -> None:
        """Forty agents vote at the same time."""
        async with harness.open() as store:
            await settled(*(store.apply(CastVote(vote(f"agent-{n}", "yes"))) for n in range(40)))
            assert {v.agent for v in await store.votes("acme", "tabs?")} == {f"agent-{n}" for n in range(40)}

    async def test_storage_290_questions_come_by_their_latest_vote(self, harness: StorageHarness) -> None:
        """By the order cast, whatever instants say, with every vote counted and each agent once."""
        cast = [
            vote("ada", "yes", question="old?", seconds=9),
            vote("ada", "yes", question="new?", seconds=1),
            vote("bob", "no", question="old?", seconds=1),
            vote("ada", "no", question="old?", seconds=1),
            vote("bob", "no", question="last?", seconds=0),
        ]
        async with harness.open() as store:
            assert await store.questions(ALL_SCOPES) == []
            for one in cast:
                await store.apply(CastVote(one))
            assert await store.questions(ALL_SCOPES) == [
                Question(scope="acme", question="last?", votes=1, agents=1),
                Question(scope="acme", question="old?", votes=3, agents=2),
                Question(scope="acme", question="new?", votes=1, agents=1),
            ]

    async def test_storage_291_questions_can_be_asked_for_by_scope(self, harness: StorageHarness) -> None:
        """As scope filters say, before the limit; the same text elsewhere is another question."""
        async with harness.open() as store:
            for scope in ("acme/web", "acme", "acme/web/s1", "acme/web2", "other"):
                await store.apply(CastVote(vote("ada", "yes", scope=scope)))
            inside = ScopeFilter(scope="acme/web", inherit=False, descendants=True)
            assert [q.scope for q in await store.questions(inside)] == ["acme/web/s1", "acme/web"]
            assert [q.scope for q in await store.questions(inside, limit=1)] == ["acme/web/s1"]
            above = ScopeFilter(scope="acme/web")
            assert [q.scope for q in await store.questions(above)] == ["acme", "acme/web"]
            capped = ScopeFilter(descendants=True, ceiling="acme/web")
            assert {q.scope for q in await store.questions(capped)} == {"acme/web/s1", "acme/web"}
