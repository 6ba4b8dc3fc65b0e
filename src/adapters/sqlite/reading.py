"""The Reader port: each read as a function of a connection, whichever thread that belongs to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from ...ports.errors import Rejected
from ...ports.instants import to_micros
from . import figures, lexical, outlook, pages, relations, sessions, sweeps, vectors
from .rows import checked

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from ...ports.queries import (
        EntryQuery,
        Graph,
        GraphQuery,
        Hit,
        LexicalQuery,
        Outlook,
        Page,
        Question,
        ScopeStats,
        Stats,
        Sweep,
        VectorQuery,
    )
    from ...ports.records import Entry, Relation, Revision, Session, Vector, Vote
    from ...ports.scopes import ScopeFilter

T = TypeVar("T")

_BRIEF_IDS = 16
"""Entries that a brief read gets: a recall's, with some to spare."""


class SqliteReader(ABC):
    @abstractmethod
    async def _read(
        self, read: Callable[[sqlite3.Connection], T], *, long: bool = False, brief: bool = False
    ) -> T:
        """Run it where reads run. `long`: it may take milliseconds, and must not hold up point reads. `brief`: a few
        pages at most, so that, if they are in memory, it is over sooner than a thread wakes up.
        """

    @abstractmethod
    async def _sweep(self, read: Callable[[sqlite3.Connection], T]) -> T:
        """Run it where it holds up nobody, and fills no cache."""

    async def get(self, ids: Sequence[str], *, ceiling: str = "global") -> list[Entry]:
        if not ids:
            return []
        brief = len(ids) <= _BRIEF_IDS
        return await self._read(partial(pages.get, ids=tuple(ids), ceiling=ceiling), brief=brief)

    async def history(self, entry_id: str, *, limit: int = 50, ceiling: str = "global") -> list[Revision]:
        pages.check_limit(limit)
        return await self._read(partial(pages.history, entry_id=entry_id, limit=limit, ceiling=ceiling))

    async def query(self, query: EntryQuery) -> Page[Entry]:
        pages.check_limit(query.limit)
        return await self._read(partial(pages.page, query=query), long=True)

    async def search(self, query: LexicalQuery) -> list[Hit]:
        pages.check_limit(query.limit)
        return await self._read(partial(lexical.search, query=query), long=True)

    async def nearest(self, query: VectorQuery) -> list[Hit]:
        pages.check_limit(query.limit)
        if query.filter.as_of is not None:
            raise Rejected("as_of: vectors follow the current version; search by text instead", "as_of")
        if not query.vector or len(query.vector) % 4:
            raise Rejected(f"vector: {len(query.vector)} bytes are no float32 values", "vector")
        return await self._read(partial(vectors.nearest, query=query), long=True)

    async def vectors(self, ids: Sequence[str], *, model: str) -> dict[str, tuple[Vector, ...]]:
        if not ids:
            return {}
        return await self._read(partial(vectors.stored, ids=tuple(ids), model=model), long=True)

    async def relations(
        self, ids: Sequence[str], *, limit: int = 200, ceiling: str = "global"
    ) -> list[Relation]:
        pages.check_limit(limit)
        return await self._read(partial(relations.touching, ids=tuple(ids), limit=limit, ceiling=ceiling))

    async def walk(self, query: GraphQuery) -> Graph:
        pages.check_limit(query.limit)
        relations.check(query)
        return await self._read(partial(relations.walk, query=query), long=True)

    async def path(self, query: GraphQuery, target: str) -> list[Relation] | None:
        pages.check_limit(query.limit)
        relations.check(query)
        return await self._read(partial(relations.path, query=query, target=target), long=True)

    async def sessions(
        self, where: ScopeFilter, *, open_only: bool = False, limit: int = 50
    ) -> list[Session]:
        pages.check_limit(limit)
        return await self._read(partial(sessions.sessions, where=where, limit=limit, open_only=open_only))

    async def votes(self, scope: str, question: str) -> list[Vote]:
        return await self._read(partial(sessions.votes, scope=scope, question=checked(question, "question")))

    async def sweep_versions(
        self, sweep: Sweep, *, ids: Sequence[str] | None = None, former: bool = True
    ) -> Page[Revision]:
        pages.check_limit(sweep.limit)
        return await self._sweep(partial(sweeps.versions, sweep=sweep, ids=ids, former=former))

    async def sweep_relations(self, sweep: Sweep) -> Page[Relation]:
        pages.check_limit(sweep.limit)
        return await self._sweep(partial(sweeps.relations, sweep=sweep))

    async def sweep_sessions(self, sweep: Sweep, *, ids: Sequence[str] | None = None) -> Page[Session]:
        pages.check_limit(sweep.limit)
        return await self._sweep(partial(sweeps.sessions, sweep=sweep, ids=ids))

    async def sweep_votes(self, sweep: Sweep) -> Page[Vote]:
        pages.check_limit(sweep.limit)
        return await self._sweep(partial(sweeps.votes, sweep=sweep))

    async def questions(self, where: ScopeFilter, *, limit: int = 50) -> list[Question]:
        pages.check_limit(limit)
        return await self._read(partial(sessions.questions, where=where, limit=limit))

    async def stats(self, where: ScopeFilter) -> Stats:
        return await self._read(partial(figures.stats, where=where), long=True)

    async def scopes(
        self, *, prefix: str = "", limit: int = 100, ceiling: str = "global"
    ) -> list[ScopeStats]:
        pages.check_limit(limit)
        return await self._read(
            partial(figures.scopes, prefix=checked(prefix, "prefix"), limit=limit, ceiling=ceiling), long=True
        )

    async def tags(self, where: ScopeFilter, *, prefix: str = "", limit: int = 100) -> list[tuple[str, int]]:
        pages.check_limit(limit)
        return await self._read(
            partial(figures.tags, where=where, prefix=checked(prefix, "prefix"), limit=limit), long=True
        )

    async def generation(self, where: ScopeFilter) -> str:
        return await self._read(partial(outlook.generation, where=where), brief=True)

    async def outlook(self, where: ScopeFilter, *, now: datetime) -> Outlook:
        return await self._read(partial(outlook.outlook, where=where, now=to_micros(now)), brief=True)
