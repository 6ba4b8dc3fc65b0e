"""Votes: agents' choices on a question, one each."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from ..ports.changes import CastVote
from ..ports.errors import Rejected
from ..ports.records import Vote
from ..ports.scopes import ScopeFilter
from . import limits
from .results_team import CastVoteView, Choice, QuestionView, VoteResult
from .scope import scope_under
from .tally import same_choice, tally
from .text import checked_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ..ports.storage import Storage
    from .caller import Caller
    from .requests_team import VoteCall


async def vote(storage: Storage, request: VoteCall, caller: Caller, *, now: datetime) -> VoteResult:
    """A question is its scope, exactly, and its text, in which only white space is of no account."""
    scope = scope_under(request.scope, caller.ceiling)
    if request.action == "list" and request.question is None:
        return await _questions(storage, scope, caller)
    question = _line(request.question, "question", limits.QUESTION_CHARS, request.action)
    match request.action:
        case "cast":
            return await _cast(storage, request, caller, scope, question, now=now)
        case "tally":
            return _tallied(await storage.votes(scope, question), request, scope, question)
        case "list":
            return _listed(await storage.votes(scope, question), scope, question)


async def _cast(
    storage: Storage, request: VoteCall, caller: Caller, scope: str, question: str, *, now: datetime
) -> VoteResult:
    """Who votes again as before has voted already: nothing is written."""
    choice = _line(request.choice, "choice", limits.CHOICE_CHARS, "cast")
    agent = caller.agent_name(request.agent_id)
    if not agent:
        raise Rejected(
            "agent_id is missing: each agent has one vote, so say who votes (or set AGENT_MEMORY_AGENT_ID for this "
            "server)",
            "agent_id",
        )
    cast = await storage.votes(scope, question)
    former = next((one.choice for one in reversed(cast) if one.agent == agent), None)
    changed = former is None or same_choice(former) != same_choice(choice)
    if changed:
        _room(cast, choice)
        await storage.apply(
            CastVote(Vote(scope=scope, question=question, agent=agent, choice=choice, cast_at=now))
        )
        cast = await storage.votes(scope, question)
    return _tallied(cast, request, scope, question, changed=changed, replaced=former if changed else None)


def _room(cast: Sequence[Vote], choice: str) -> None:
    if len(cast) >= limits.VOTES:
        raise Rejected(
            f"question: {len(cast)} votes were cast on it, the most there may be; ask another one", "question"
        )
    labels = {same_choice(one.choice): one.choice for one in cast}
    if len(labels) >= limits.CHOICES and same_choice(choice) not in labels:
        shown = ", ".join(repr(label) for label in list(labels.values())[:5])
        raise Rejected(
            f"choice: {len(labels)} choices stand already, the most there may be; take one of them ({shown}, ...)",
            "choice",
        )


def _tallied(
    cast: Sequence[Vote],
    request: VoteCall,
    scope: str,
    question: str,
    *,
    changed: bool | None = None,
    replaced: str | None = None,
) -> VoteResult:
    counted = tally(cast, request.k)
    return VoteResult(
        question=question,
        scope=scope,
        changed=changed,
        replaced=replaced,
        counts=tuple(Choice(choice=choice, votes=votes) for choice, votes in counted.counts),
        voters=counted.voters,
        leader=counted.leader,
        tied=counted.tied,
        margin=counted.margin,
        k=request.k,
        decided=counted.decision is not None,
        decision=counted.decision,
    )


def _listed(cast: Sequence[Vote], scope: str, question: str) -> VoteResult:
    latest = {one.agent: number for number, one in enumerate(cast)}
    votes = [
        CastVoteView(
            agent=one.agent, choice=one.choice, cast_at=one.cast_at, replaced=latest[one.agent] != number
        )
        for number, one in enumerate(cast)
    ]
    return VoteResult(
        question=question,
        scope=scope,
        votes=tuple(votes[-limits.VOTES_SHOWN :]),
        truncated=len(votes) > limits.VOTES_SHOWN,
    )


async def _questions(storage: Storage, scope: str, caller: Caller) -> VoteResult:
    where = ScopeFilter(scope=scope, inherit=False, descendants=True, ceiling=caller.ceiling)
    found = await storage.questions(where, limit=limits.QUESTIONS + 1)
    return VoteResult(
        questions=tuple(
            QuestionView(scope=one.scope, question=one.question, voters=one.agents)
            for one in found[: limits.QUESTIONS]
        ),
        truncated=len(found) > limits.QUESTIONS,
    )


def _line(text: str | None, field: str, most: int, action: str) -> str:
    line = checked_line(text or "", field, most=most)
    line = " ".join(unicodedata.normalize("NFC", line).split())
    if not line:
        raise Rejected(f"{field} is missing; {action} needs it", field)
    return line
