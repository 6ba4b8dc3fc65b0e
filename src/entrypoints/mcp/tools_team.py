"""The tools of agents that work together, as models see them."""

from __future__ import annotations

from ...core import limits
from ...core.requests_team import SESSION_ACTIONS, VOTE_ACTIONS
from .tool_schemas import STRING, Schema, choice, integer, quiet, tool

TEAM_TOOLS: tuple[Schema, ...] = (
    tool(
        "memory_context",
        "Context",
        "Call it first: rules, what is known for the task, what others do. For more: memory_recall.",
        {
            "scope": STRING,
            "max_tokens": integer(limits.CONTEXT_TOKENS_LEAST, limits.MAX_TOKENS_LIMIT),
            "task": STRING,
            "agent_id": quiet(STRING),
        },
        reads=True,
    ),
    tool(
        "memory_session",
        "Session",
        "Work that others can see: begin with a purpose, end with a summary (done, open).",
        {
            "action": choice(*SESSION_ACTIONS),
            "scope": STRING,
            "purpose": STRING,
            "summary": STRING,
            "agent_id": STRING,
            "limit": quiet(integer(1, limits.SESSIONS)),
        },
        "action",
        repeats=True,
    ),
    tool(
        "memory_vote",
        "Vote",
        "Decide among agents: cast one vote each; a choice k ahead is decided.",
        {
            "action": choice(*VOTE_ACTIONS),
            "question": STRING,
            "choice": STRING,
            "scope": STRING,
            "agent_id": STRING,
            "k": quiet(integer(1, limits.AHEAD_BY)),
        },
        "action",
        repeats=True,
    ),
)
