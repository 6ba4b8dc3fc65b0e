"""What agents that work together are answered, by its public names. Fields at their default are left out."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from .instructions import Flags
from .results import Found, RedactedAt


class _Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    pass


class SessionEntries(msgspec.Struct, frozen=True, kw_only=True):
    """What the session's scope holds, by whomever and whenever it was written: active entries."""

    total: int
    by_kind: dict[str, int]


class SessionView(_Result, frozen=True, kw_only=True):
    """`summary_truncated`: get shows it whole. `entries` for get."""

    id: str
    scope: str
    state: Literal["open", "ended"]
    began_at: datetime
    purpose: str = ""
    agent: str = ""
    ended_at: datetime | None = None
    summary: str = ""
    summary_truncated: bool = False
    flags: Flags = ()
    entries: SessionEntries | None = None


class SessionResult(_Result, frozen=True, kw_only=True):
    """`session` for begin, end and get; `changed`: whether this call began or ended it, or it was so already.
    `summary_entry`: the entry that holds the summary. `sessions` for list. `redacted`: what this call did not store.
    """

    session: SessionView | None = None
    changed: bool | None = None
    summary_entry: str | None = None
    sessions: tuple[SessionView, ...] | None = None
    truncated: bool | None = None
    redacted: tuple[RedactedAt, ...] = ()


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    choice: str
    votes: int


class CastVoteView(_Result, frozen=True, kw_only=True):
    """`replaced`: the agent has voted otherwise since."""

    agent: str
    choice: str
    cast_at: datetime
    replaced: bool = False


class QuestionView(msgspec.Struct, frozen=True, kw_only=True):
    scope: str
    question: str
    voters: int


class VoteResult(_Result, frozen=True, kw_only=True):
    """`changed` and `replaced` (the agent's former choice) for cast. `leader`: the choice with most votes, unless some
    are `tied`. `decision`: the choice that was first ahead by `k`, which may have been overtaken since. `votes` in the
    order cast, or `questions`, for list. `redacted`: what this call did not store.
    """

    question: str | None = None
    scope: str | None = None
    changed: bool | None = None
    replaced: str | None = None
    counts: tuple[Choice, ...] | None = None
    voters: int | None = None
    leader: str | None = None
    tied: tuple[str, ...] = ()
    margin: int | None = None
    k: int | None = None
    decided: bool | None = None
    decision: str | None = None
    votes: tuple[CastVoteView, ...] | None = None
    questions: tuple[QuestionView, ...] | None = None
    truncated: bool | None = None
    redacted: tuple[RedactedAt, ...] = ()


class HeldFile(_Result, frozen=True, kw_only=True):
    file_path: str
    agent: str


class ContextResult(_Result, frozen=True, kw_only=True, omit_defaults=False):
    """In the order of how rarely it changes. `truncated`: the budget left something out. `degraded`: a part of the
    search, or the locks, could not be asked.
    """

    guidelines: tuple[Found, ...]
    knowledge: tuple[Found, ...]
    handovers: tuple[SessionView, ...]
    sessions: tuple[SessionView, ...]
    locks: tuple[HeldFile, ...]
    truncated: bool
    degraded: bool
