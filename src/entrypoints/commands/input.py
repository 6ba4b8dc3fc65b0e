"""Text that comes from an argument or from stdin."""

from __future__ import annotations

import sys

from ...ports.errors import Rejected


def content_of(given: str) -> str:
    """The text itself; for `-` what stdin holds, without the line end that closes it."""
    if given != "-":
        return given
    try:
        return sys.stdin.buffer.read().decode().removesuffix("\n")
    except UnicodeDecodeError as error:
        raise Rejected(f"content: stdin is not UTF-8 (byte {error.start})", "content") from None
