"""Agents at one memory, on a clock that tests move."""

from __future__ import annotations

from contextlib import asynccontextmanager
from random import Random
from typing import TYPE_CHECKING, Any

import msgspec

from agent_memory.adapters.inprocess.lock import InProcessLock
from agent_memory.adapters.sqlite import SqliteStorage
from agent_memory.core.caller import Caller
from agent_memory.core.file_lock import FileLocks
from agent_memory.core.ids import IdSource
from agent_memory.core.memory import Memory
from agent_memory.core.requests import FileLock, Get, Recall, Remember
from agent_memory.core.requests_team import ContextCall, SessionCall, VoteCall
from agent_memory.core.teamwork import Teamwork
from agent_memory_contract.manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from agent_memory.core.results import Found, GetResult, Remembered
    from agent_memory.core.results_team import ContextResult, SessionResult, VoteResult
    from agent_memory.ports.errors import PortError
    from agent_memory.ports.lock import Held
    from agent_memory.ports.storage import Storage


class Away(InProcessLock):
    """A lock server that does not answer as it should."""

    def __init__(self, clock: ManualClock, error: PortError) -> None:
        super().__init__(clock=clock)
        self.error = error

    async def list(self, *, prefix: str = "", limit: int = 100) -> list[Held]:
        raise self.error


class Table:
    def __init__(self, store: Storage, clock: ManualClock, lock: InProcessLock) -> None:
        self.store = store
        self.clock = clock
        self.lock = lock
        self.ceiling = "global"
        self.new_id = IdSource(lambda: int(clock.now().timestamp() * 1000), Random(7).getrandbits)
        self.locks = FileLocks(lock, clock, instance="i1")
        self.memory = Memory(store, clock, self.new_id)
        self.team = Teamwork(store, clock, self.new_id, self.locks)

    def without_locks(self, error: PortError) -> Table:
        return Table(self.store, self.clock, Away(self.clock, error))

    def caller(self, agent: str = "", tool: str = "test") -> Caller:
        return Caller(client="ide", agent=agent, tool=tool, ceiling=self.ceiling)

    async def session(
        self, action: str, scope: str | None = "acme/web/s1", *, pinned: str = "", **given: Any
    ) -> SessionResult:
        call = msgspec.convert({"action": action, "scope": scope, **given}, SessionCall)
        return await self.team.session(call, self.caller(pinned))

    async def vote(
        self, action: str, question: str | None = "tabs?", choice: str | None = None, *, pinned: str = "", **given: Any
    ) -> VoteResult:  # fmt: skip
        call = msgspec.convert({"action": action, "question": question, "choice": choice, **given}, VoteCall)
        return await self.team.vote(call, self.caller(pinned))

    async def context(self, scope: str | None = "acme/web", **given: Any) -> ContextResult:
        return await self.team.context(msgspec.convert({"scope": scope, **given}, ContextCall), self.caller())

    async def remember(self, content: str, scope: str = "acme/web", **given: Any) -> Remembered:
        call = msgspec.convert({"content": content, "scope": scope, **given}, Remember)
        return (await self.memory.remember(call, self.caller())).results[0]

    async def recall(self, query: str, scope: str = "acme/web") -> tuple[Found, ...]:
        return (await self.memory.recall(Recall(query=query, scope=scope), self.caller())).results

    async def get(self, *ids: str) -> GetResult:
        return await self.memory.get(Get(ids=list(ids)), self.caller())

    async def check_out(self, path: str, agent: str = "ada") -> None:
        await self.locks.act(FileLock(action="checkout", file_path=path), self.caller(agent))


@asynccontextmanager
async def table_at(folder: Path) -> AsyncGenerator[Table]:
    clock = ManualClock()
    async with (
        SqliteStorage(folder / "memory.db", clock=clock, origin="t") as store,
        InProcessLock(clock=clock) as lock,
    ):
        yield Table(store, clock, lock)
