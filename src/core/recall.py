"""Recall: the entries that answer a question, best first, within a token budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..ports.errors import Rejected
from ..ports.queries import EntryFilter, EntryQuery, Hit, LexicalQuery
from ..ports.scopes import ScopeFilter
from . import limits
from .lexical import query_terms
from .results import Found, RecallResult, source_of
from .scope import scope_under
from .tags import normal_tags
from .text import checked, cut, tokens
from .times import optional_time

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ..ports.storage import Reader
    from .caller import Caller
    from .requests import Recall

_OVERHEAD = 60
"""Tokens that a result costs beside its text: ids, times and names as JSON."""
_LEAST = 20
"""Tokens of content below which a cut result says too little to be worth its place."""


async def recall(storage: Reader, request: Recall, caller: Caller, *, now: datetime) -> RecallResult:
    if request.mode == "dense":
        raise Rejected(
            "mode: 'dense' needs an embedder and none is configured; use 'hybrid' or 'lexical'", "mode"
        )
    checked(request.query, "query", most=limits.QUERY_CHARS)
    where = _filter(request, caller, now)
    terms = query_terms(request.query)
    if terms:
        hits = await storage.search(LexicalQuery(terms=terms, filter=where, limit=request.limit))
    elif request.query.strip():
        hits = []
    else:
        page = await storage.query(EntryQuery(filter=where, limit=request.limit))
        hits = [Hit(entry, 0.0) for entry in page.items]
    return pack(hits, request.max_tokens, terms if request.explain else None)


def seen_by(request: Recall, caller: Caller) -> ScopeFilter:
    return ScopeFilter(
        scope=scope_under(request.scope, caller.ceiling),
        inherit=request.inherit,
        descendants=request.descendants,
        ceiling=caller.ceiling,
    )


def _filter(request: Recall, caller: Caller, now: datetime) -> EntryFilter:
    as_of = optional_time(request.as_of, "as_of")
    since = optional_time(request.since, "since")
    until = optional_time(request.until, "until")
    if since is not None and until is not None and until <= since:
        raise Rejected("until must be later than since", "until")
    return EntryFilter(
        where=seen_by(request, caller),
        kinds=tuple(request.kinds),
        tags=normal_tags(request.tags),
        tags_any=normal_tags(request.tags_any, "tags_any"),
        since=since,
        until=until,
        live_at=as_of or now,
        as_of=as_of,
    )


def pack(hits: Sequence[Hit], max_tokens: int, explained_terms: Sequence[str] | None = None) -> RecallResult:
    """Take hits in order while the budget lasts; cut the first that does not fit, and say so."""
    best = hits[0].score if hits else 0.0
    found: list[Found] = []
    left = max_tokens
    truncated = False
    for rank, hit in enumerate(hits, 1):
        entry = hit.entry
        left -= _OVERHEAD + tokens(entry.title)
        cost = tokens(entry.content)
        content = entry.content
        if cost > left:
            truncated = True
            if left < _LEAST and found:
                break
            content = cut(content, max(left, _LEAST))
        left -= cost
        found.append(
            Found(
                id=entry.id,
                scope=entry.scope,
                kind=entry.kind,
                content=content,
                created_at=entry.created_at,
                version=entry.version,
                title=entry.title,
                tags=entry.tags,
                score=round(hit.score / best, 4) if best > 0 else 0.0,
                match="lexical" if hit.score else "",
                occurred_at=entry.occurred_at,
                source=source_of(entry),
                content_truncated=content is not entry.content,
                explain=None
                if explained_terms is None
                else {
                    "rank": rank,
                    "lexical": round(hit.score, 4),
                    "terms": list(explained_terms),
                },
            )
        )
        if truncated:
            break
    return RecallResult(results=tuple(found), truncated=truncated)
