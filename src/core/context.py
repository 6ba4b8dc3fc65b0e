"""Context: what an agent should know before it starts, within a budget.

An answer depends on what is stored and on nothing else, as long as nothing comes to life or expires: no clock is in it,
and recency counts from the newest entry. So an agent that asks again is told the same, to the byte, and its prompt is
found in a cache. What changes most comes last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ..ports.errors import PortError
from ..ports.queries import EntryFilter, EntryQuery, Hit, LexicalQuery
from ..ports.records import KINDS, Kind
from ..ports.scopes import GLOBAL, ScopeFilter
from . import limits
from .lexical import query_terms
from .recall import OVERHEAD, pack
from .requests import FileLock
from .results_team import ContextResult, HeldFile
from .scope import scope_under
from .search.excerpt import wanted_terms
from .sessions import SUMMARY_TAG, view
from .text import checked, tokens

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ..ports.records import Entry
    from ..ports.storage import Storage
    from .caller import Caller
    from .file_lock import FileLocks
    from .finder import Finder
    from .requests_team import ContextCall
    from .results import Found, RecallResult
    from .results_team import SessionView

_OTHER_KINDS: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind != "guideline")
_LOOKED_AT = 100
"""Of guidelines, and of the newest where no task is named."""
_FOR_TASK = 25
_OPEN = 20
_HANDOVERS = 3
_ENDED_LOOKED_AT = 50
_HANDOVER = 200
"""Tokens of a summary."""
_HEADING = 10
_PART = 20
"""Tokens of content that a cut entry shows at least."""
_LEAST = OVERHEAD + _PART
"""Tokens below which no entry is put in."""


class _Room:
    """Tokens that are left, and whether something found no place."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.refused = False

    def take(self, cost: int) -> bool:
        if cost > self.left:
            self.refused = True
            return False
        self.left -= cost
        return True


async def context(
    storage: Storage,
    request: ContextCall,
    caller: Caller,
    *,
    now: datetime,
    locks: FileLocks,
    search: Finder | None = None,
) -> ContextResult:
    """Others' work (hand-overs, open sessions, locks) has a third of the budget at most, guidelines half of what is
    left, knowledge the rest; what one does not need is the next one's.
    """
    scope = scope_under(request.scope, caller.ceiling)
    checked(request.task, "task", most=limits.QUERY_CHARS)
    where = EntryFilter(where=ScopeFilter(scope=scope, ceiling=caller.ceiling), live_at=now)
    room = _Room(request.max_tokens - 5 * _HEADING)
    team = _Room(room.left // 3)
    open_ones, handovers, more_open = await _sessions(storage, scope, caller)
    sessions = tuple(one for one in open_ones if team.take(_session_cost(one)))
    held, locks_known = await _locks(locks, caller)
    files = tuple(file for file in held if team.take(tokens(file.file_path) + tokens(file.agent) + 4))
    told = tuple(one for one in handovers if team.take(_session_cost(one) + tokens(one.summary)))
    room.left -= room.left // 3 - team.left

    rules, more_rules = await _guidelines(storage, where)
    useful, more_useful, degraded = await _useful(
        storage, where, request.task, search, {one.id for one in told}
    )
    share = max(room.left // 2, min(_least(rules), room.left)) if useful else room.left
    guidelines = _packed(rules, share, frozenset())
    room.left -= _cost(guidelines.results)
    # Where not even a part of the first rule has a place, no fact takes it.
    left = 0 if rules and not guidelines.results else room.left
    knowledge = _packed(useful, left, wanted_terms(request.task))
    return ContextResult(
        guidelines=guidelines.results,
        knowledge=knowledge.results,
        handovers=told,
        sessions=sessions,
        locks=files,
        truncated=team.refused
        or guidelines.truncated
        or knowledge.truncated
        or more_open
        or more_rules
        or more_useful,
        degraded=degraded or not locks_known,
    )


async def _guidelines(storage: Storage, where: EntryFilter) -> tuple[list[Hit], bool]:
    """The most important first, then as they were added: a new one changes little of what stands before it. And
    whether there are more than were looked at.
    """
    asked = msgspec.structs.replace(where, kinds=("guideline",))
    items = (await storage.query(EntryQuery(filter=asked, limit=_LOOKED_AT + 1))).items
    ranked = sorted(items[:_LOOKED_AT], key=lambda entry: (-entry.importance, entry.at, entry.id))
    return [Hit(entry, 0.0) for entry in ranked], len(items) > _LOOKED_AT


async def _useful(
    storage: Storage, where: EntryFilter, task: str, search: Finder | None, told: set[str]
) -> tuple[list[Hit], bool, bool]:
    """What the task's words and meaning find; where no task is named or it finds nothing, what is important, then new.
    Not the summaries of the sessions that are `told` as such. And whether there is more of it, and whether a part of
    the search was missing.
    """
    asked = msgspec.structs.replace(where, kinds=_OTHER_KINDS)
    degraded = False
    if query_terms(task):
        found, degraded = await _found(storage, asked, task, search)
        found = [hit for hit in found if not _hands_over(hit.entry, told)]
        if found:
            return found[:_FOR_TASK], len(found) > _FOR_TASK, degraded
    most = _LOOKED_AT + len(told)
    newest = (await storage.query(EntryQuery(filter=asked, limit=most + 1))).items
    new = [entry for entry in newest if not _hands_over(entry, told)]
    ranked = sorted(new[:_LOOKED_AT], key=lambda entry: (entry.importance, entry.at, entry.id), reverse=True)
    return [Hit(entry, 0.0) for entry in ranked], len(new) > _LOOKED_AT, degraded


async def _found(
    storage: Storage, asked: EntryFilter, task: str, search: Finder | None
) -> tuple[list[Hit], bool]:
    """As recall finds, but that ages count from the newest entry, and words such as "yesterday" with them. As many as
    are shown at most, one that tells that there are more, and the hand-overs that are shown elsewhere.
    """
    most = _FOR_TASK + _HANDOVERS + 1
    newest = (await storage.query(EntryQuery(filter=asked, limit=1))).items
    if not newest:
        return [], False
    if search is not None:
        answer = await search.find(task, asked, mode="hybrid", limit=most, now=newest[0].at)
        if answer is not None:
            return [Hit(hit.entry, 0.0, hit.start, hit.end) for hit in answer.hits], answer.degraded
    hits = await storage.search(LexicalQuery(terms=query_terms(task), filter=asked, limit=most))
    return [Hit(hit.entry, 0.0) for hit in hits], search is not None and search.embeds


async def _sessions(
    storage: Storage, scope: str, caller: Caller
) -> tuple[list[SessionView], list[SessionView], bool]:
    """Of the whole project: the open ones as they were begun, and those that ended last and told something. And
    whether more are open.
    """
    project = GLOBAL if scope == GLOBAL else "/".join(scope.split("/")[:2])
    where = ScopeFilter(scope=project, inherit=False, descendants=True, ceiling=caller.ceiling)
    found = await storage.sessions(where, open_only=True, limit=_OPEN + 1)
    open_ones = found[:_OPEN]
    every = await storage.sessions(where, limit=_ENDED_LOOKED_AT + len(found))
    ended = sorted(
        ((one.ended_at, one.id, one) for one in every if one.ended_at is not None and one.summary),
        reverse=True,
    )
    return (
        [view(one) for one in sorted(open_ones, key=lambda one: (one.began_at, one.id))],
        [view(one, most=_HANDOVER) for _, _, one in ended[:_HANDOVERS]],
        len(found) > _OPEN,
    )


async def _locks(locks: FileLocks, caller: Caller) -> tuple[list[HeldFile], bool]:
    """And whether they could be asked: what else there is to know does not wait for Redis."""
    try:
        listed = await locks.act(FileLock(action="list"), caller)
    except PortError as error:
        if not error.retryable:
            raise
        return [], False
    held = [HeldFile(file_path=one.file_path, agent=one.agent) for one in listed.locks or ()]
    return sorted(held, key=lambda file: file.file_path), True


def _hands_over(entry: Entry, sessions: set[str]) -> bool:
    """Whether it is the summary of a session that is shown as such."""
    return SUMMARY_TAG in entry.tags and entry.metadata.get("session") in sessions


def _least(hits: Sequence[Hit]) -> int:
    """Tokens without which not even a part of the first has a place."""
    if not hits:
        return 0
    first = hits[0].entry
    return max(_LEAST, OVERHEAD + tokens(first.title) + min(_PART, tokens(first.content)))


def _packed(hits: Sequence[Hit], budget: int, wanted: frozenset[str]) -> RecallResult:
    if budget < _least(hits):
        packed = pack((), budget)
        return msgspec.structs.replace(packed, truncated=bool(hits))
    return pack(hits, budget, wanted=wanted)


def _cost(found: Sequence[Found]) -> int:
    return sum(OVERHEAD + tokens(one.title) + tokens(one.content) for one in found)


def _session_cost(one: SessionView) -> int:
    return tokens(one.scope) + tokens(one.purpose) + tokens(one.agent) + 16
