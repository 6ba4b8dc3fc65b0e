"""Text that comes from an argument or from stdin."""

from __future__ import annotations

import errno
import sys
from typing import BinaryIO, cast

from ...ports.errors import Rejected


def stdin() -> BinaryIO:
    """`OSError` where it was closed when this program started."""
    if cast("object", sys.stdin) is None:
        raise OSError(errno.EBADF, "is closed", "stdin")
    return sys.stdin.buffer


def content_of(given: str) -> str:
    """The text itself; for `-` what stdin holds, without the line end that closes it."""
    if given != "-":
        return given
    try:
        return stdin().read().decode().removesuffix("\n")
    except UnicodeDecodeError as error:
        raise Rejected(f"content: stdin is not UTF-8 (byte {error.start})", "content") from None
