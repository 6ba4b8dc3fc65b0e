"""The tools that move the memory and keep it in order, as they are listed."""

from __future__ import annotations

from typing import Any

from ...core.requests_moving import FORMATS, MAINTAIN_ACTIONS, ON_CONFLICT

Schema = dict[str, Any]

_STRING: Schema = {"type": "string"}
_BOOLEAN: Schema = {"type": "boolean"}
_FORMAT: Schema = {"type": "string", "enum": list(FORMATS)}


def _tool(
    name: str, title: str, description: str, properties: Schema, *, reads: bool = False, required: str = ""
) -> Schema:
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = [required]
    return {
        "name": name,
        "title": title,
        "description": description,
        "inputSchema": schema,
        "outputSchema": {"type": "object"},
        "annotations": {
            "readOnlyHint": reads,
            "destructiveHint": not reads,
            "idempotentHint": True,
            "openWorldHint": False,
        },
    }


# The first two take an `action` as well, of which there is one, and the third a `scope`, for which there is a default:
# the list must stay short.
MOVING_TOOLS: tuple[Schema, ...] = (
    _tool(
        "memory_export",
        "Export",
        "All of a scope, history too, to move it. name keeps it here.",
        {"format": _FORMAT, "scope": _STRING, "name": _STRING},
        reads=True,
    ),
    _tool(
        "memory_import",
        "Import",
        "Put export back",
        {
            "content": _STRING,
            "name": _STRING,
            "format": _STRING,
            "on_conflict": {"type": "string", "enum": list(ON_CONFLICT)},
            "dry_run": _BOOLEAN,
            "admin_key": _STRING,
        },
    ),
    _tool(
        "memory_maintain",
        "Maintain",
        "Only if told to.",
        {
            "action": {"type": "string", "enum": list(MAINTAIN_ACTIONS)},
            "dry_run": _BOOLEAN,
            "admin_key": _STRING,
        },
        required="action",
    ),
)
