"""Which tool a request is of, for those that come another way: from the command line and the library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ...core import requests, requests_moving, requests_team
from .tools import TOOLS

if TYPE_CHECKING:
    import msgspec

TOOL_OF: Final[dict[type[msgspec.Struct], str]] = {
    requests.Remember: "memory_remember",
    requests.Recall: "memory_recall",
    requests.Get: "memory_get",
    requests.Update: "memory_update",
    requests.Forget: "memory_forget",
    requests.Link: "memory_link",
    requests.FileLock: "memory_file_lock",
    requests_moving.ExportCall: "memory_export",
    requests_moving.ImportCall: "memory_import",
    requests_moving.MaintainCall: "memory_maintain",
    requests_team.SessionCall: "memory_session",
    requests_team.VoteCall: "memory_vote",
    requests_team.ContextCall: "memory_context",
}


def schema_of(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Of the tool's arguments."""
    found: dict[str, Any] = next(tool["inputSchema"] for tool in TOOLS if tool["name"] == TOOL_OF[kind])
    return found
