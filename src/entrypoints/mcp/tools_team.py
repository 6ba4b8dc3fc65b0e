"""The tools of agents that work together, as models see them."""

from __future__ import annotations

from typing import Any

from ...core import limits
from ...core.requests_team import SESSION_ACTIONS, VOTE_ACTIONS

Schema = dict[str, Any]

_STRING: Schema = {"type": "string"}
_OBJECT: Schema = {"type": "object"}


def _integer(least: int, most: int) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most}


def _tool(
    name: str, title: str, description: str, arguments: Schema, *required: str, reads: bool = False
) -> Schema:
    schema: Schema = {"type": "object", "properties": arguments, "additionalProperties": False}
    if required:
        schema["required"] = list(required)
    return {
        "name": name,
        "title": title,
        "description": description,
        "inputSchema": schema,
        "outputSchema": _OBJECT,
        "annotations": {
            "readOnlyHint": reads,
            "destructiveHint": False,
            "idempotentHint": True,
            "openWorldHint": False,
        },
    }


TEAM_TOOLS: tuple[Schema, ...] = (
    _tool(
        "memory_context",
        "Context",
        "Call it first: rules, what is known for the task, others' work.",
        {
            "scope": _STRING,
            "max_tokens": _integer(limits.CONTEXT_TOKENS_LEAST, limits.MAX_TOKENS_LIMIT),
            "task": _STRING,
            "agent_id": _STRING,
        },
        reads=True,
    ),
    _tool(
        "memory_session",
        "Session",
        "Begin work; end with a summary.",
        {
            "action": {**_STRING, "enum": list(SESSION_ACTIONS)},
            "scope": _STRING,
            "purpose": _STRING,
            "summary": _STRING,
            "agent_id": _STRING,
            "limit": _integer(1, limits.SESSIONS),
        },
        "action",
    ),
    _tool(
        "memory_vote",
        "Vote",
        "Decide together: one vote each, won by k ahead.",
        {
            "action": {**_STRING, "enum": list(VOTE_ACTIONS)},
            "question": _STRING,
            "choice": _STRING,
            "scope": _STRING,
            "agent_id": _STRING,
            "k": _integer(1, limits.AHEAD_BY),
        },
        "action",
    ),
)
