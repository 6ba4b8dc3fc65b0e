r"""Text cut in the middle of a character, as JavaScript programs send it.

A string that ends between the halves of an emoji is written by them as a lone escape such as `\ud83d`. That is JSON by
its grammar, though no Unicode (RFC 8259, section 8.2), and decoders refuse the whole message. Whoever sent it waits for
an answer to its id: so the id and the place are looked for here, by a more lenient reader.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from .messages import RequestId

_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
_NAME_SHOWN = 80


def lone_surrogate(line: bytes) -> tuple[RequestId | None, str] | None:
    """The id and the place of the first lone surrogate of a JSON object that is otherwise sound, else None."""
    if not _ESCAPE.search(line):
        return None
    import json  # noqa: PLC0415 (only a broken message needs it)

    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict):
        return None
    place = _place(cast("dict[str, Any]", message))
    return None if place is None else (_identifier(cast("dict[str, Any]", message)), place)


def _identifier(message: dict[str, Any]) -> RequestId | None:
    identifier = message.get("id")
    if isinstance(identifier, bool) or not isinstance(identifier, int | str):
        return None
    return None if isinstance(identifier, str) and _broken(identifier) else identifier


def _place(message: dict[str, Any]) -> str | None:
    left: list[tuple[str, Any]] = [("", message)]
    while left:
        path, value = left.pop()
        if isinstance(value, str) and _broken(value):
            return path
        if isinstance(value, list):
            items = enumerate(cast("list[object]", value))
            left += reversed([(f"{path}[{position}]", item) for position, item in items])
        elif isinstance(value, dict):
            fields = cast("dict[str, Any]", value)
            if any(_broken(name) for name in fields):
                return f"a name in {path}" if path else "a name"
            dot = "." if path else ""
            left += reversed([(f"{path}{dot}{name[:_NAME_SHOWN]}", item) for name, item in fields.items()])
    return None


def _broken(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
