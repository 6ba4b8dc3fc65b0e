"""A memory that keeps its answers, over a store with marks, for tests. It is asked beside one that keeps none."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from agent_memory.adapters.inprocess.cache import CacheState, InProcessCache
from agent_memory.adapters.sqlite import SqliteStorage
from agent_memory.core.answers import Answers
from agent_memory.core.caller import Caller
from agent_memory.core.freshness import Freshness
from agent_memory.core.memory import Memory
from agent_memory.core.requests import Recall, Remember
from agent_memory_contract.builders import new_id
from agent_memory_contract.manual_clock import ManualClock

from .saboteurs.storage_wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from datetime import datetime
    from pathlib import Path

    from agent_memory.core.results import RecallResult
    from agent_memory.ports.queries import EntryQuery, Hit, LexicalQuery, Page
    from agent_memory.ports.records import Entry

ADA = Caller(client="test", ceiling="acme")
MINUTE = 60.0


class Counted(Wrapper):
    """How often the store was really asked."""

    searched = 0
    gotten = 0

    async def search(self, query: LexicalQuery) -> list[Hit]:
        self.searched += 1
        return await self.inner.search(query)

    async def query(self, query: EntryQuery) -> Page[Entry]:
        self.searched += 1
        return await self.inner.query(query)

    async def get(self, ids: Any, *, ceiling: str = "global") -> list[Entry]:
        self.gotten += 1
        return await self.inner.get(ids, ceiling=ceiling)


class MovableClock(ManualClock):
    """Its wall clock can be set back; what has passed since its start cannot."""

    offset = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.offset


class Desk:
    """A memory that keeps its answers, and beside it one that does not."""

    def __init__(
        self, storage: SqliteStorage, clock: MovableClock, *, entries: int = 100, exact: bool = True
    ) -> None:
        self.clock = clock
        self.store = Counted(storage)
        self.state = CacheState(max_entries=entries)
        self.cache = InProcessCache(clock=clock, state=self.state)
        self.answers = Answers(
            Freshness(self.store, clock),
            shared=self.cache,
            own=self.cache,
            ttl=5 * MINUTE,
            schema="1",
            process="a",
            exact=exact,
        )
        self.memory = Memory(self.store, clock, new_id, answers=self.answers)
        self.plain = Memory(storage, clock, new_id)

    async def told(self, content: str, **fields: Any) -> str:
        fields.setdefault("scope", "acme")
        stored = await self.memory.remember(Remember(content=content, **fields), ADA)
        return stored.results[0].id

    async def recall(self, query: str = "okapi", caller: Caller = ADA, **fields: Any) -> RecallResult:
        """Both must say the same."""
        request = Recall(query=query, **fields)
        answer = await self.memory.recall(request, caller)
        assert answer == await self.plain.recall(request, caller)
        return answer

    async def asked(self, query: str = "okapi", caller: Caller = ADA, **fields: Any) -> int:
        """How many searches one recall took."""
        before = self.store.searched
        await self.recall(query, caller, **fields)
        return self.store.searched - before

    def after(self, seconds: float) -> str:
        return (self.clock.now() + timedelta(seconds=seconds)).isoformat()


@asynccontextmanager
async def desk(path: Path, **options: Any) -> AsyncGenerator[Desk]:
    clock = MovableClock()
    async with SqliteStorage(path / "memory.db", clock=clock, origin="a") as storage:
        while storage.mark() is None:
            await storage.outbox_head()
        yield Desk(storage, clock, **options)
