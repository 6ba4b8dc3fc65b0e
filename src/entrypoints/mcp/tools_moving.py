"""The tools that move the memory and keep it in order, as they are listed."""

from __future__ import annotations

from ...core.requests_moving import FORMATS, MAINTAIN_ACTIONS, ON_CONFLICT
from .tool_schemas import BOOLEAN, STRING, Schema, choice, quiet, tool

MOVING_TOOLS: tuple[Schema, ...] = (
    tool(
        "memory_export",
        "Export",
        "All of a scope, with history; name: into a file.",
        {
            "action": quiet(choice("export")),
            "format": choice(*FORMATS),
            "scope": STRING,
            "name": STRING,
            "agent_id": quiet(STRING),
        },
        repeats=True,
    ),
    tool(
        "memory_import",
        "Import",
        "Put an export back, by content or name. For new facts: memory_remember.",
        {
            "action": quiet(choice("import")),
            "content": STRING,
            "name": STRING,
            "format": quiet(choice(*FORMATS)),
            "on_conflict": choice(*ON_CONFLICT),
            "dry_run": BOOLEAN,
            "admin_key": quiet(STRING),
            "agent_id": quiet(STRING),
        },
        destroys=True,
        repeats=True,
    ),
    tool(
        "memory_maintain",
        "Maintain",
        "When asked to: merge duplicates, reindex, back up, verify.",
        {
            "action": choice(*MAINTAIN_ACTIONS),
            "scope": quiet(STRING),
            "dry_run": BOOLEAN,
            "admin_key": quiet(STRING),
            "agent_id": quiet(STRING),
        },
        "action",
        destroys=True,
        repeats=True,
    ),
)
