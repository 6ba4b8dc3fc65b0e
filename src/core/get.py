"""Get: entries by id, with what they were and what they are tied to when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..ports.errors import Rejected
from . import limits
from .instructions import flags_of
from .results import Edge, GetResult, PastVersion, missing_of, source_of, stored

if TYPE_CHECKING:
    from ..ports.records import Relation, Revision
    from ..ports.storage import Reader
    from .caller import Caller
    from .requests import Get
    from .results import Stored


async def get(storage: Reader, request: Get, caller: Caller) -> GetResult:
    entries = await storage.get(request.ids, ceiling=caller.ceiling)
    known = {entry.id for entry in entries}
    edges: list[Relation] = []
    if request.relations and entries:
        edges = await storage.relations(list(known), limit=limits.RELATIONS, ceiling=caller.ceiling)
    results: list[Stored] = []
    size = 0
    for entry in entries:
        history = await _history(storage, entry.id, caller) if request.history else ()
        size += sum(len(text.encode()) for text in (entry.content, *(past.content for past in history)))
        if size > limits.GET_BYTES:
            raise Rejected(
                f"ids: their contents come to more than {limits.GET_BYTES} bytes; ask for at most {len(results)} of "
                "these at once",
                "ids",
            )
        tied = tuple(edge_of(edge) for edge in edges if entry.id in {edge.source, edge.target})
        results.append(stored(entry, history, tied))
    return GetResult(entries=tuple(results), missing=missing_of(request.ids, known))


def edge_of(relation: Relation) -> Edge:
    return Edge(source=relation.source, target=relation.target, type=relation.type)


async def _history(storage: Reader, entry_id: str, caller: Caller) -> tuple[PastVersion, ...]:
    revisions = await storage.history(entry_id, limit=limits.HISTORY + 1, ceiling=caller.ceiling)
    return tuple(past for revision in revisions if (past := _past(revision)) is not None)


def _past(revision: Revision) -> PastVersion | None:
    if revision.until is None:
        return None
    entry = revision.entry
    return PastVersion(
        version=entry.version, content=entry.content, updated_at=entry.updated_at, until=revision.until,
        state=entry.state, title=entry.title, tags=entry.tags, source=source_of(entry),
        flags=flags_of(entry.title, entry.content, entry.author),
    )  # fmt: skip
