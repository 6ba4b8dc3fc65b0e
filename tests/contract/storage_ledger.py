"""The model of a store with sessions and votes, what it holds at any instant, and jobs in a model of their own."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from agent_memory.ports.changes import CastVote, Done, PutSession
from agent_memory.ports.errors import Conflict

from .storage_model import Model

if TYPE_CHECKING:
    from agent_memory.ports.changes import Change, Outcome
    from agent_memory.ports.records import Entry, Session, Vote


class Ledger(Model):
    def __init__(self, other: Ledger | None = None) -> None:
        super().__init__(other)
        self.sessions: dict[str, Session] = dict(other.sessions) if other else {}
        self.votes: list[Vote] = list(other.votes) if other else []

    def apply(self, change: Change) -> Outcome:
        match change:
            case PutSession():
                self._put(change.session)
            case CastVote():
                self.votes.append(change.vote)
                self.events.append(("vote.cast", change.vote.question))
            case _:
                return super().apply(change)
        return Done()

    def _put(self, new: Session) -> None:
        others = (s for s in self.sessions.values() if s.scope == new.scope and s.id != new.id)
        if new.ended_at is None and any(other.ended_at is None for other in others):
            raise Conflict(new.id)
        self.sessions[new.id] = new
        self.events.append(("session.changed", new.id))

    def as_of(self, instant: datetime) -> list[Entry]:
        """The active entries as they stood, oldest first."""
        standing = [
            next((e for e in reversed(past) if e.updated_at <= instant), None) for past in self.past.values()
        ]
        active = [e for e in standing if e is not None and e.state == "active"]
        return sorted(active, key=lambda e: (e.at, e.id))

    def everything(self) -> list[Entry]:
        return sorted((past[-1] for past in self.past.values()), key=lambda e: (e.at, e.id))


class ModelJob(msgspec.Struct, kw_only=True):
    """`token` is that of the latest lease, 0 before the first. A job that is neither dead nor gone waits or runs."""

    id: int
    key: str
    run_at: datetime
    max_attempts: int
    attempts: int = 0
    token: int = 0
    leased_until: datetime | None = None
    dead: bool = False
    gone: bool = False

    @property
    def alive(self) -> bool:
        return not (self.dead or self.gone)

    def due(self, now: datetime) -> bool:
        """To be leased now."""
        return self.alive and self.attempts < self.max_attempts and (self.leased_until or self.run_at) <= now

    def used_up(self, now: datetime) -> bool:
        """Its last lease ran out. It is a dead letter as soon as anyone asks for jobs."""
        over = self.leased_until is not None and self.leased_until <= now
        return self.alive and over and self.attempts >= self.max_attempts

    def lease(self, now: datetime, token: int, ttl: float) -> None:
        self.attempts += 1
        self.token = token
        self.leased_until = now + timedelta(seconds=ttl)

    def fail(self, now: datetime, retry_in: float) -> bool:
        """Whether it will be tried again."""
        self.leased_until = None
        self.token = 0
        self.run_at = now + timedelta(seconds=retry_in)
        self.dead = self.attempts >= self.max_attempts
        return not self.dead

    def revive(self) -> None:
        self.dead = False
        self.attempts = 0
        self.leased_until = None
        self.token = 0
