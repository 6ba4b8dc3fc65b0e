"""What may be called a scope."""

from __future__ import annotations

import re

from ..ports.errors import Rejected
from ..ports.scopes import GLOBAL, MAX_SEGMENTS, within

_SEGMENT = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SHOWN = 80
_RULE = "letters, digits, '.', '_', '-', 1 to 64"


def parse_scope(text: str, field: str = "scope") -> str:
    """The canonical text, or `Rejected` that names the segment at fault.

    `""` and `"/"` mean `global`. `.` and `..` are refused: scopes become file names in exports.
    """
    if text in {GLOBAL, "", "/"}:
        return GLOBAL
    segments = text.split("/")
    said = f"{field} {text[:_SHOWN]!r}"
    if len(segments) > MAX_SEGMENTS:
        raise Rejected(
            f"{said}: {len(segments)} segments; at most {MAX_SEGMENTS}: org/project/session", field
        )
    for segment in segments:
        if segment in {".", ".."} or not _SEGMENT.fullmatch(segment):
            raise Rejected(f"{said}: segment {segment[:_SHOWN]!r} is not allowed ({_RULE})", field)
    if segments[0] == GLOBAL:
        raise Rejected(f"{said}: 'global' is the root and has nothing below it; name an organisation", field)
    return text


def scope_under(text: str | None, ceiling: str, field: str = "scope") -> str:
    """The scope asked for, the ceiling when none was; `Rejected` when it lies outside the ceiling."""
    if text is None:
        return ceiling
    scope = parse_scope(text, field)
    if not within(scope, ceiling):
        raise Rejected(
            f"{field} {scope!r}: this server is limited to {ceiling!r} and what is below it", field
        )
    return scope


def depth(scope: str) -> int:
    """How many segments it has, at most `MAX_SEGMENTS`."""
    return 0 if scope == GLOBAL else scope.count("/") + 1
