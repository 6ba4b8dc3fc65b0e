"""Link: typed relations between entries, and the ways along them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..ports.changes import AddRelation, Linked, RemoveRelation, Unlinked
from ..ports.errors import NotFound, Rejected
from ..ports.queries import GraphQuery
from ..ports.records import Relation
from .get import edge_of
from .results import LinkResult, Node, label_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ..ports.storage import Storage
    from .caller import Caller
    from .requests import Link

_PATH_DEPTH = 5


async def link(storage: Storage, request: Link, caller: Caller, *, now: datetime) -> LinkResult:
    match request.action:
        case "link":
            target = await _both(storage, request, caller)
            if request.source == target:
                raise Rejected("from and to are the same entry", "to")
            relation = Relation(
                source=request.source,
                target=target,
                type=request.type or "relates_to",
                created_at=now,
                agent=caller.agent_name(request.agent_id),
            )
            applied = await storage.apply(AddRelation(relation))
            return LinkResult(changed=any(isinstance(o, Linked) and o.created for o in applied.outcomes))
        case "unlink":
            target = await _both(storage, request, caller)
            applied = await storage.apply(RemoveRelation(request.source, target, now, request.type))
            return LinkResult(
                changed=any(isinstance(o, Unlinked) and o.removed > 0 for o in applied.outcomes)
            )
        case "neighbors":
            await _seen(storage, [request.source], caller)
            graph = await storage.walk(_walk(request, caller, 1))
            return await _answer(storage, graph.relations, caller, truncated=graph.truncated)
        case "path":
            target = await _both(storage, request, caller)
            chain = await storage.path(_walk(request, caller, _PATH_DEPTH), target)
            if chain is None:
                return LinkResult(found=False, relations=(), entries=())
            return await _answer(storage, chain, caller, found=True)


def _walk(request: Link, caller: Caller, depth: int) -> GraphQuery:
    return GraphQuery(
        start=request.source,
        types=(request.type,) if request.type else (),
        depth=request.depth or depth,
        limit=request.limit,
        ceiling=caller.ceiling,
    )


async def _both(storage: Storage, request: Link, caller: Caller) -> str:
    if request.target is None:
        raise Rejected(f"to is missing; {request.action} needs from and to", "to")
    await _seen(storage, [request.source, request.target], caller)
    return request.target


async def _seen(storage: Storage, ids: Sequence[str], caller: Caller) -> None:
    known = {entry.id for entry in await storage.get(ids, ceiling=caller.ceiling)}
    for name, entry_id in zip(("from", "to"), ids, strict=False):
        if entry_id not in known:
            raise NotFound(f"{name}: no entry {entry_id!r} that this caller may see", name)


async def _answer(
    storage: Storage,
    relations: Sequence[Relation],
    caller: Caller,
    *,
    found: bool | None = None,
    truncated: bool | None = None,
) -> LinkResult:
    ids = list(dict.fromkeys(i for r in relations for i in (r.source, r.target)))
    nodes = [
        Node(id=entry.id, scope=entry.scope, kind=entry.kind, title=label_of(entry))
        for entry in await storage.get(ids, ceiling=caller.ceiling)
    ]
    edges = tuple(edge_of(r) for r in relations)
    return LinkResult(found=found, relations=edges, entries=tuple(nodes), truncated=truncated)
