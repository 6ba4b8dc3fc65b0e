"""What agents that work together ask: the arguments, by their public names."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from . import limits

SessionAction = Literal["begin", "end", "list", "get"]
SESSION_ACTIONS: tuple[SessionAction, ...] = get_args(SessionAction)
VoteAction = Literal["cast", "tally", "list"]
VOTE_ACTIONS: tuple[VoteAction, ...] = get_args(VoteAction)


class _Call(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class SessionCall(_Call, frozen=True, kw_only=True):
    """`purpose` for begin, `summary` for end. begin takes a project as well, and names the session."""

    action: SessionAction
    scope: str | None = None
    purpose: str = ""
    summary: str = ""
    agent_id: str | None = None
    limit: Annotated[int, Meta(ge=1, le=limits.SESSIONS)] = 20


class VoteCall(_Call, frozen=True, kw_only=True):
    """`question` for cast and tally, `choice` for cast; list without a question lists the questions."""

    action: VoteAction
    question: str | None = None
    choice: str | None = None
    scope: str | None = None
    agent_id: str | None = None
    k: Annotated[int, Meta(ge=1, le=limits.AHEAD_BY)] = 2


class ContextCall(_Call, frozen=True, kw_only=True):
    scope: str | None = None
    max_tokens: Annotated[int, Meta(ge=limits.CONTEXT_TOKENS_LEAST, le=limits.MAX_TOKENS_LIMIT)] = (
        limits.CONTEXT_TOKENS_DEFAULT
    )
    task: str = ""
    agent_id: str | None = None
