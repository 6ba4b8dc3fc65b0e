"""How deep a JSON text nests, without decoding it.

Decoders stop at the interpreter's recursion limit, which depends on who calls them: a message that one layer
reads the next might not. So the depth is bounded here, once, far below that.
"""

from __future__ import annotations

import re

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_FOLD = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def deeper_than(limit: int, text: bytes) -> bool:
    """`text` is valid JSON. Costs two scans when it has no more than `limit` opening brackets, as most have."""
    if text.count(b"[") + text.count(b"{") <= limit:
        return False
    brackets = _STRING.sub(b"", text).translate(_FOLD, _NOT_BRACKETS)
    # Each round takes away the innermost level of every branch.
    for _ in range(limit):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)
