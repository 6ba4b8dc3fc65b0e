"""The id of a request that was too long to be read: who sent it waits for an answer to it, and to nothing else.

Only the two ends of the line are known. From its beginning on members are read as long as they are there whole. From
its end they are read backwards as long as they are plain numbers and strings: before the brace that ends the object
and outside strings, a quote without a backslash before it can only begin or end one, so in JSON there is one reading.
Nothing is answered to an id where the ends disagree, or where the message is an answer itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from .messages import RequestId

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .lines import Overlong

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_LAST: Final = re.compile(
    rb',[ \t\r]*"([A-Za-z]+)"[ \t\r]*:[ \t\r]*(-?(?:0|[1-9][0-9]{0,18})|"[^"\\\x00-\x1f]*")[ \t\r]*\Z'
)
_MEMBERS: Final = 8
"""Read from the end on: a message has five."""
_ID = msgspec.json.Decoder(RequestId)


def id_of(line: Overlong) -> RequestId | None:
    """None where there is none, or no certain one."""
    found: list[RequestId] = []
    for name, value in (*_from_the_beginning(line.first), *_from_the_end(line.last)):
        if name in {"result", "error"}:
            return None
        if name == "id":
            try:
                found.append(_ID.decode(value))
            except (msgspec.DecodeError, UnicodeDecodeError):
                return None
    certain = bool(found) and all(one == found[0] and type(one) is type(found[0]) for one in found)
    return found[0] if certain else None


def _from_the_beginning(first: bytes) -> Iterator[tuple[str, bytes]]:
    """The value of the last one is empty where it is not there whole."""
    import json  # noqa: PLC0415 (only an overlong message needs it)

    text = first.decode(errors="surrogateescape")
    read = json.JSONDecoder().raw_decode
    at = _past_space(text, 0)
    if text[at : at + 1] != "{":
        return
    while True:
        name = ""
        try:
            name, at = read(text, _past_space(text, at + 1))
            at = _past_space(text, at)
            if not isinstance(name, str) or text[at : at + 1] != ":":
                return
            begin = _past_space(text, at + 1)
            end = read(text, begin)[1]
        except (ValueError, RecursionError):
            yield name, b""
            return
        at = _past_space(text, end)
        # A number that ends where what is kept ends may go on.
        more = text[at : at + 1]
        yield name, text[begin:end].encode(errors="surrogateescape") if more in {",", "}"} else b""
        if more != ",":
            return


def _past_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return at if match is None else match.end()


def _from_the_end(last: bytes) -> Iterator[tuple[str, bytes]]:
    rest = last.rstrip(b" \t\r")
    if not rest.endswith(b"}"):
        return
    rest = rest[:-1]
    for _ in range(_MEMBERS):
        match = _LAST.search(rest)
        if match is None:
            return
        yield match[1].decode(), match[2]
        rest = rest[: match.start()]
