"""Where a sweep stopped, as text that its caller hands back."""

from __future__ import annotations

from typing import Any
from zlib import crc32

import msgspec

from .errors import Rejected

_json = msgspec.json.Encoder()


def cursor_of(sweep: str, *place: str | int) -> str:
    """The checksum tells a cut or altered cursor from ours; it guards no secret."""
    text = _json.encode([sweep, *place])
    return f"{crc32(text):08x}{text.decode()}"


def place_of(cursor: str, sweep: str) -> list[Any]:
    """What `cursor_of` was given. `Rejected` for a cursor of another sweep, or of nobody."""
    try:
        text = cursor[8:].encode()
        if cursor[:8] == f"{crc32(text):08x}":
            name, *place = msgspec.json.decode(text, type=list[Any])
            if name == sweep:
                return place
    except (UnicodeEncodeError, msgspec.DecodeError, ValueError):
        pass
    raise Rejected("cursor: not one that a page of this sweep gave; start again without it", "cursor")
