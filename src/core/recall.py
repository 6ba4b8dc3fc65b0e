"""Recall: the entries that answer a question, best first, within a token budget."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from ..ports.errors import Rejected
from ..ports.queries import EntryFilter, EntryQuery, Hit, LexicalQuery
from ..ports.scopes import ScopeFilter
from . import limits
from .instructions import flags_of
from .lexical import query_terms
from .results import Found, RecallResult, source_of
from .scope import scope_under
from .search.excerpt import excerpt, wanted_terms
from .search.question import of_stop_words
from .tags import normal_tags
from .text import checked, cut, tokens
from .times import ZONES, TimeReader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..ports.storage import Reader
    from .caller import Caller
    from .finder import Finder
    from .periods.period import Zones
    from .requests import Recall
    from .search.found import Scored

OVERHEAD = 60
"""Tokens that a result costs beside its text: ids, times and names as JSON."""
_LEAST = 20
"""Tokens of content below which a cut result says too little to be worth its place."""
_SNIPPET = 200
"""Tokens that a long entry has before others are left out for it: about a paragraph."""

_FAINT = 0.0001
"""The least score that is shown of what was found."""


async def recall(
    storage: Reader,
    request: Recall,
    caller: Caller,
    *,
    now: datetime,
    search: Finder | None = None,
    zones: Zones = ZONES,
) -> RecallResult:
    """By the index where there is one; by the store's own search until then, and for what only it knows: the past, and
    stop words.
    """
    request = settled(request, now, zones)
    if request.mode == "dense" and (search is None or not search.embeds):
        raise Rejected(
            "mode: 'dense' needs an embedder and none is configured; use 'hybrid' or 'lexical'", "mode"
        )
    checked(request.query, "query", most=limits.QUERY_CHARS)
    where = _filter(request, caller, now)
    terms = query_terms(request.query)
    explained = terms if request.explain else None
    packed = partial(
        pack, max_tokens=request.max_tokens, explained_terms=explained, wanted=wanted_terms(request.query)
    )
    if not request.query.strip():
        page = await storage.query(EntryQuery(filter=where, limit=request.limit))
        return packed([Hit(entry, 0.0) for entry in page.items])
    if not terms:
        return packed([])
    plain = request.mode != "dense" and of_stop_words(request.query)
    if search is not None and where.as_of is None and not plain:
        there = now.astimezone(zones.local)
        answer = await search.find(request.query, where, mode=request.mode, limit=request.limit, now=there)
        if answer is not None:
            return packed(answer.hits, degraded=answer.degraded)
    hits = await storage.search(LexicalQuery(terms=terms, filter=where, limit=request.limit))
    lesser = search is not None and search.embeds and request.mode != "lexical" and not plain
    return packed(hits, degraded=lesser)


def settled(request: Recall, now: datetime, zones: Zones) -> Recall:
    """The same question with its times as instants: what it asks for no longer depends on when and where."""
    if request.since is None and request.until is None and request.as_of is None:
        return request
    reader = TimeReader(now, zones)
    since = None if request.since is None else reader.begin(request.since, "since")
    until = None if request.until is None else reader.end(request.until, "until")
    as_of = None if request.as_of is None else reader.last_moment(request.as_of, "as_of")
    if since is not None and until is not None and until <= since:
        raise Rejected("until must be later than since", "until")
    return msgspec.structs.replace(request, since=_text(since), until=_text(until), as_of=_text(as_of))


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _instant(text: str | None) -> datetime | None:
    """Of a settled question."""
    return None if text is None else datetime.fromisoformat(text)


def seen_by(request: Recall, caller: Caller) -> ScopeFilter:
    return ScopeFilter(
        scope=scope_under(request.scope, caller.ceiling),
        inherit=request.inherit,
        descendants=request.descendants,
        ceiling=caller.ceiling,
    )


def _filter(request: Recall, caller: Caller, now: datetime) -> EntryFilter:
    as_of = _instant(request.as_of)
    return EntryFilter(
        where=seen_by(request, caller),
        kinds=tuple(request.kinds),
        tags=normal_tags(request.tags),
        tags_any=normal_tags(request.tags_any, "tags_any"),
        since=_instant(request.since),
        until=_instant(request.until),
        live_at=as_of or now,
        as_of=as_of,
    )


def pack(
    hits: Sequence[Hit | Scored],
    max_tokens: int,
    explained_terms: Sequence[str] | None = None,
    *,
    degraded: bool = False,
    wanted: frozenset[str] = frozenset(),
) -> RecallResult:
    """Take hits in order while the budget lasts. What is long is cut so that the others have their place."""
    found: list[Found] = []
    scores = _scores(hits)
    for rank, (hit, room) in enumerate(zip(hits, _rooms(hits, max_tokens), strict=False), 1):
        entry = hit.entry
        whole = tokens(entry.content) <= room
        found.append(
            Found(
                id=entry.id,
                scope=entry.scope,
                kind=entry.kind,
                content=entry.content if whole else _shown(hit, room, wanted),
                created_at=entry.created_at,
                version=entry.version,
                title=entry.title,
                tags=entry.tags,
                score=scores[rank - 1],
                match=_match(hit),
                occurred_at=entry.occurred_at,
                source=source_of(entry),
                content_truncated=not whole,
                flags=flags_of(entry.title, entry.content, entry.author),
                explain=None if explained_terms is None else _explained(hit, rank, explained_terms),
            )
        )
    truncated = len(found) < len(hits) or any(each.content_truncated for each in found)
    return RecallResult(results=tuple(found), truncated=truncated, degraded=degraded)


def _scores(hits: Sequence[Hit | Scored]) -> list[float]:
    """In shares of the best; 0 in a list of the newest, which nothing was asked of."""
    if not hits:
        return []
    first = hits[0]
    if isinstance(first, Hit) and not first.score:
        return [0.0] * len(hits)
    best, sure = first.score, 1.0 if isinstance(first, Hit) else round(first.sure, 4)
    if best <= 0:
        # Little enough that what is taken off outweighs it.
        return [sure, *[_FAINT] * (len(hits) - 1)]
    return [max(round(sure * hit.score / best, 4), _FAINT) for hit in hits]


def _rooms(hits: Sequence[Hit | Scored], max_tokens: int) -> list[int]:
    """Tokens for the content of each hit that has a place: at first a snippet, then equal shares of what is left."""
    sizes = [tokens(hit.entry.content) for hit in hits]
    rooms: list[int] = []
    left = max_tokens
    for hit, size in zip(hits, sizes, strict=True):
        fixed = OVERHEAD + tokens(hit.entry.title)
        least = min(size, _LEAST)
        if left < fixed + least and rooms:
            break
        rooms.append(max(min(size, _SNIPPET, left - fixed), least))
        left -= fixed + rooms[-1]
    cut_ones = [n for n, room in enumerate(rooms) if room < sizes[n]]
    # Who lacks least first: what it does not need is the others'.
    for served, n in enumerate(sorted(cut_ones, key=lambda n: sizes[n])):
        more = min(sizes[n] - rooms[n], max(left, 0) // (len(cut_ones) - served))
        rooms[n] += more
        left -= more
    return rooms


def _shown(hit: Hit | Scored, room: int, wanted: frozenset[str]) -> str:
    if isinstance(hit, Hit) or hit.lexical:
        return excerpt(hit.entry.content, room, wanted, (hit.start, hit.end))
    return cut(hit.entry.content, room)


def _match(hit: Hit | Scored) -> str:
    if isinstance(hit, Hit):
        return "lexical" if hit.score else ""
    return hit.match


def _explained(hit: Hit | Scored, rank: int, terms: Sequence[str]) -> dict[str, Any]:
    if isinstance(hit, Hit):
        return {"rank": rank, "lexical": round(hit.score, 4), "terms": list(terms)}
    parts = {name: round(value, 4) for name, value in hit.parts.items()}
    return {
        "rank": rank,
        "lexical": round(hit.lexical, 4),
        "dense": round(hit.dense, 4),
        "score": round(hit.score, 4),
        "parts": parts,
        "terms": list(terms),
    }
