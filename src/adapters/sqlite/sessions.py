"""Sessions and votes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ports.changes import CastVote, Done, PutSession
from ...ports.errors import Conflict
from ...ports.instants import from_micros, to_micros
from ...ports.queries import Question
from ...ports.records import Session, Vote
from .filters import IN_SCOPE, scope_parameters
from .rows import checked

if TYPE_CHECKING:
    import sqlite3

    from ...ports.scopes import ScopeFilter
    from .rows import Row
    from .transaction import Transaction

_OPEN = "SELECT id FROM sessions WHERE scope = ? AND ended_at IS NULL AND id <> ?"
_PUT = (
    "INSERT INTO sessions (id, scope, began_at, last_active_at, ended_at, purpose, summary, agent) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET scope = excluded.scope, "
    "began_at = excluded.began_at, last_active_at = excluded.last_active_at, ended_at = excluded.ended_at, "
    "purpose = excluded.purpose, summary = excluded.summary, agent = excluded.agent"
)
SESSION_COLUMNS = "id, scope, began_at, last_active_at, ended_at, purpose, summary, agent"
_SESSIONS = (
    f"SELECT {SESSION_COLUMNS} FROM sessions e WHERE {IN_SCOPE} "  # noqa: S608 - constants of this package
    "AND (NOT :open_only OR ended_at IS NULL) ORDER BY began_at DESC, id DESC LIMIT :limit"
)
CAST = "INSERT INTO votes (scope, question, agent, choice, cast_at) VALUES (?, ?, ?, ?, ?)"
_VOTES = (
    "SELECT scope, question, agent, choice, cast_at FROM votes WHERE scope = ? AND question = ? ORDER BY row"
)
_QUESTIONS = (
    "SELECT scope, question, count(*), count(DISTINCT agent) FROM votes e WHERE "  # noqa: S608 - a constant of this package
    f"{IN_SCOPE} GROUP BY scope, question ORDER BY max(row) DESC LIMIT :limit"
)


def prepare_session(change: PutSession) -> PutSession:
    for field in ("id", "scope", "purpose", "summary", "agent"):
        checked(getattr(change.session, field), field)
    return change


def put(transaction: Transaction, change: PutSession) -> Done:
    session = change.session
    if session.ended_at is None:
        other = transaction.execute(_OPEN, (session.scope, session.id)).fetchone()
        if other is not None:
            raise Conflict(f"session {other[0]} is open in scope {session.scope!r}: end it first")
    active = to_micros(session.last_active_at)
    ended = None if session.ended_at is None else to_micros(session.ended_at)
    transaction.execute(
        _PUT,
        (
            session.id, session.scope, to_micros(session.began_at), active, ended, session.purpose, session.summary,
            session.agent,
        ),
    )  # fmt: skip
    transaction.event("session.changed", session.scope, session.id, active if ended is None else ended)
    return Done()


def sessions(
    connection: sqlite3.Connection, where: ScopeFilter, limit: int, *, open_only: bool
) -> list[Session]:
    parameters = scope_parameters(where) | {"open_only": open_only, "limit": limit}
    return [row_session(row) for row in connection.execute(_SESSIONS, parameters)]


def row_session(row: Row) -> Session:
    """From SESSION_COLUMNS."""
    id_, scope, began, active, ended, purpose, summary, agent = row
    return Session(
        id=id_,
        scope=scope,
        began_at=from_micros(began),
        last_active_at=from_micros(active),
        ended_at=None if ended is None else from_micros(ended),
        purpose=purpose,
        summary=summary,
        agent=agent,
    )


def prepare_vote(change: CastVote) -> Row:
    return prepare_cast(change.vote)


def prepare_cast(vote: Vote) -> Row:
    """The parameters of CAST."""
    texts = [checked(getattr(vote, field), field) for field in ("scope", "question", "agent", "choice")]
    return (*texts, to_micros(vote.cast_at))


def cast(transaction: Transaction, vote: Row) -> Done:
    transaction.execute(CAST, vote)
    scope, question, _, _, at = vote
    transaction.event("vote.cast", scope, question, at)
    return Done()


def votes(connection: sqlite3.Connection, scope: str, question: str) -> list[Vote]:
    return [
        Vote(scope=scope_, question=question_, agent=agent, choice=choice, cast_at=from_micros(at))
        for scope_, question_, agent, choice, at in connection.execute(_VOTES, (scope, question))
    ]


def questions(connection: sqlite3.Connection, where: ScopeFilter, limit: int) -> list[Question]:
    return [
        Question(scope=scope, question=question, votes=votes, agents=agents)
        for scope, question, votes, agents in connection.execute(
            _QUESTIONS, scope_parameters(where) | {"limit": limit}
        )
    ]
