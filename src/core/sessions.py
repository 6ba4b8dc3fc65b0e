"""Sessions: stretches of work, each in a scope of its own below its project."""

from __future__ import annotations

from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from ..ports.changes import Added, Once, PutSession
from ..ports.errors import Conflict, NotFound, Rejected
from ..ports.records import Session
from ..ports.scopes import MAX_SEGMENTS, ScopeFilter
from . import limits
from .drafting import draft
from .instructions import flags_of
from .requests import NewEntry
from .results_team import SessionEntries, SessionResult, SessionView
from .scope import depth, scope_under
from .text import checked, checked_line, cut

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from ..ports.changes import AddEntry
    from ..ports.storage import Storage
    from .caller import Caller
    from .requests_team import SessionCall

SUMMARY_TAG = "session-summary"
BY_ITSELF = "Ended by itself"
"""What the summary of a session begins with that nobody ended."""
_SHOWN = 60
"""Tokens of a summary in a list."""
_KEPT = timedelta(days=1)


async def session(
    storage: Storage, request: SessionCall, caller: Caller, *, now: datetime, new_id: Callable[[], str]
) -> SessionResult:
    match request.action:
        case "begin":
            return await _begin(storage, request, caller, now, new_id)
        case "end":
            return await _end(storage, request, caller, now, new_id)
        case "get":
            found = await _latest(storage, request, caller)
            where = ScopeFilter(scope=found.scope, inherit=False, ceiling=caller.ceiling)
            stats = await storage.stats(where)
            entries = SessionEntries(total=sum(stats.by_kind.values()), by_kind=stats.by_kind)
            return SessionResult(session=view(found, entries=entries))
        case "list":
            return await _list(storage, request, caller)


def view(session: Session, *, entries: SessionEntries | None = None, most: int | None = None) -> SessionView:
    """`most`: tokens of its summary."""
    summary = session.summary if most is None else cut(session.summary, most)
    return SessionView(
        id=session.id,
        scope=session.scope,
        state="open" if session.ended_at is None else "ended",
        began_at=session.began_at,
        purpose=session.purpose,
        agent=session.agent,
        ended_at=session.ended_at,
        summary=summary,
        summary_truncated=summary != session.summary,
        flags=flags_of(session.purpose, session.summary),
        entries=entries,
    )


def ending(session: Session, summary: str, now: datetime, *, late: bool = False) -> Once:
    """What makes a session end once, whoever ends it, and be given a summary `late` once. A caller's own keys begin
    with a scope, which has no `:`.
    """
    return Once(
        key=f"session:{session.id}" + (":summary" if late else ""),
        digest=blake2b(summary.encode(), digest_size=16).digest(),
        at=now,
        keep_until=now + _KEPT,
    )


async def _begin(
    storage: Storage, request: SessionCall, caller: Caller, now: datetime, new_id: Callable[[], str]
) -> SessionResult:
    """An agent that begins again what it began already, because no answer came, is told of the one that stands. Of
    those that have no name, two may be two.
    """
    identity = new_id()
    scope = scope_under(request.scope, caller.ceiling)
    segments = depth(scope)
    if segments < MAX_SEGMENTS - 1:
        raise Rejected(
            f"scope {scope!r}: a session stands below a project; give org/project (the session gets a name) or "
            "org/project/session",
            "scope",
        )
    if segments < MAX_SEGMENTS:
        scope = f"{scope}/{now:%Y%m%d-%H%M%S}-{identity[-4:]}"
    begun = Session(
        id=identity,
        scope=scope,
        began_at=now,
        last_active_at=now,
        purpose=checked_line(request.purpose, "purpose", most=limits.PURPOSE_CHARS),
        agent=caller.agent_name(request.agent_id),
    )
    try:
        await storage.apply(PutSession(begun))
    except Conflict as conflict:
        standing = await storage.sessions(_exactly(scope, caller), open_only=True, limit=1)
        if not standing:
            raise
        other = standing[0]
        if begun.agent and (other.purpose, other.agent) == (begun.purpose, begun.agent):
            return SessionResult(session=view(other), changed=False)
        raise Conflict(
            f"scope {scope!r} has an open session ({_described(other)}): go on in it, end it first, or begin in "
            "another scope"
        ) from conflict
    return SessionResult(session=view(begun), changed=True)


async def _end(
    storage: Storage, request: SessionCall, caller: Caller, now: datetime, new_id: Callable[[], str]
) -> SessionResult:
    """What it leaves behind is an entry of kind experience in the scope above, so that everyone in the project recalls
    it. One that ended by itself may still be given a summary; another than it has been given is a `Conflict`.
    """
    checked(request.summary, "summary", most=limits.SUMMARY_BYTES, unit="bytes")
    while True:
        found = await _latest(storage, request, caller)
        change = _summary(found, request, caller, now, new_id)
        summary = "" if change is None else change.entry.content
        if found.ended_at is not None:
            if summary in {"", found.summary}:
                return SessionResult(session=view(found), changed=False)
            if found.summary and not found.summary.startswith(BY_ITSELF):
                raise Conflict(
                    f"session {found.id} in {found.scope!r} was ended before, with another summary: read it with get; "
                    "what is to be added, memory_remember"
                )
        ended = msgspec.structs.replace(
            found, ended_at=found.ended_at or max(now, found.began_at), summary=summary
        )
        once = ending(found, summary, now, late=found.ended_at is not None)
        changes = (PutSession(ended),) if change is None else (change, PutSession(ended))
        try:
            applied = await storage.apply(*changes, once=once)
        except Conflict:
            again = await _latest(storage, request, caller)
            if again == found:
                raise
            # Someone else ended it meanwhile; what that means is seen from what stands now.
            continue
        entry = next((outcome.id for outcome in applied.outcomes if isinstance(outcome, Added)), None)
        return SessionResult(session=view(ended), changed=not applied.replayed, summary_entry=entry)


def _summary(
    session: Session, request: SessionCall, caller: Caller, now: datetime, new_id: Callable[[], str]
) -> AddEntry | None:
    if not request.summary.strip():
        return None
    project, _, name = session.scope.rpartition("/")
    within_ceiling = depth(caller.ceiling) < MAX_SEGMENTS
    title = f"Session {name}: {session.purpose}" if session.purpose else f"Session {name}"
    new = NewEntry(
        content=request.summary,
        title=title[: limits.TITLE_CHARS],
        kind="experience",
        scope=project if within_ceiling else session.scope,
        tags=[SUMMARY_TAG],
        metadata={"session": session.id, "session_scope": session.scope},
    )
    return draft(
        new,
        request.summary,
        entry_id=new_id(),
        now=now,
        ceiling=caller.ceiling,
        provenance=caller.provenance(request.agent_id),
    )


async def _list(storage: Storage, request: SessionCall, caller: Caller) -> SessionResult:
    """Open ones first, each part with what was begun last first."""
    scope = scope_under(request.scope, caller.ceiling)
    where = ScopeFilter(scope=scope, inherit=False, descendants=True, ceiling=caller.ceiling)
    found = await storage.sessions(where, open_only=True, limit=request.limit + 1)
    if len(found) <= request.limit:
        # Those open are among them, so that enough of the others are.
        every = await storage.sessions(where, limit=request.limit + 1 + len(found))
        found += [one for one in every if one.ended_at is not None]
    return SessionResult(
        sessions=tuple(view(one, most=_SHOWN) for one in found[: request.limit]),
        truncated=len(found) > request.limit,
    )


async def _latest(storage: Storage, request: SessionCall, caller: Caller) -> Session:
    """The open session of the scope, else the one that was begun last."""
    scope = scope_under(request.scope, caller.ceiling)
    if depth(scope) < MAX_SEGMENTS:
        where = ScopeFilter(scope=scope, inherit=False, descendants=True, ceiling=caller.ceiling)
        few = await storage.sessions(where, open_only=True, limit=5)
        there = "; open there: " + ", ".join(one.scope for one in few) if few else ""
        raise Rejected(
            f"scope {scope!r}: {request.action} needs that of one session, org/project/session{there}",
            "scope",
        )
    exactly = _exactly(scope, caller)
    found = await storage.sessions(exactly, open_only=True, limit=1)
    found = found or await storage.sessions(exactly, limit=1)
    if not found:
        raise NotFound(f"scope: no session was begun in {scope!r}", "scope")
    return found[0]


def _exactly(scope: str, caller: Caller) -> ScopeFilter:
    return ScopeFilter(scope=scope, inherit=False, ceiling=caller.ceiling)


def _described(session: Session) -> str:
    by = f"agent {session.agent}, " if session.agent else ""
    return f"{by}purpose {session.purpose!r}"
