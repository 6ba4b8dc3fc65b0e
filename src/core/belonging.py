"""Arguments of a tool that has actions: one that the action asked for has no use for is told, not left aside."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import msgspec

from ..ports.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Mapping

_SESSION = {"purpose": ("begin",), "summary": ("end",), "limit": ("list",)}
_VOTE = {"choice": ("cast",), "k": ("cast", "tally")}
_LINK = {
    "to": ("link", "unlink", "path"),
    "depth": ("neighbors", "path"),
    "limit": ("neighbors", "path"),
}
_FILE_LOCK = {
    "file_path": ("checkout", "checkin", "renew", "status", "force_unlock"),
    "ttl_seconds": ("checkout", "renew"),
    "wait_seconds": ("checkout",),
    "token": ("checkin", "renew"),
    "reason": ("force_unlock",),
}
BELONGING: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "SessionCall": _SESSION,
    "VoteCall": _VOTE,
    "Link": _LINK,
    "FileLock": _FILE_LOCK,
}
"""By request: the arguments, by their public names, that only some of its actions take. All others any action takes."""


@cache
def _elsewhere(kind: type[msgspec.Struct], action: str) -> tuple[tuple[str, str, object], ...]:
    """What the action does not take: attribute, argument, and what stands there where none was given."""
    takers = BELONGING[kind.__name__]
    return tuple(
        (field.name, field.encode_name, field.default)
        for field in msgspec.structs.fields(kind)
        if action not in takers.get(field.encode_name, (action,))
    )


def check_belonging(request: msgspec.Struct, action: str) -> None:
    """`Rejected` names the argument and the actions that take it. One at its default says nothing: some fill in all."""
    for name, argument, default in _elsewhere(type(request), action):
        if getattr(request, name) != default:
            takers = BELONGING[type(request).__name__][argument]
            raise Rejected(f"{argument}: {action} has no use for it; it is for {_either(takers)}", argument)


def _either(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
