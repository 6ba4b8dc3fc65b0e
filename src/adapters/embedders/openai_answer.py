"""What an OpenAI-compatible server may answer, checked. Pure."""

from __future__ import annotations

import math
import sys
from array import array
from base64 import b64decode
from binascii import Error as Base64Error

import msgspec

from ...ports.errors import Misconfigured, PortError, Rejected, Unavailable

_SHOWN = 200
_TRY_LATER = frozenset({408, 409, 425, 429})
_REFUSED = frozenset({401, 403, 404})


class _Item(msgspec.Struct, frozen=True):
    """`embedding`: base64 of little-endian float32, as asked for; servers that do not know of that send numbers."""

    index: int
    embedding: str | list[float]


class _Answer(msgspec.Struct, frozen=True):
    data: list[_Item]


class _Reason(msgspec.Struct, frozen=True):
    message: str = ""


class _Refusal(msgspec.Struct, frozen=True):
    error: _Reason | str = ""


_DECODER = msgspec.json.Decoder(_Answer)


def vectors(body: bytes, count: int, dimension: int) -> list[bytes]:
    """By `index`, each once, of this dimension, of unit length. `Unavailable` for a body that makes no sense (a proxy
    may have answered), `Misconfigured` for vectors of another dimension.
    """
    try:
        items = _DECODER.decode(body).data
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unavailable(f"the embedding server's answer is not as expected: {error}") from error
    if sorted(item.index for item in items) != list(range(count)):
        raise Unavailable(
            f"the embedding server answered {len(items)} vectors for {count} texts, or numbered them wrongly"
        )
    ordered = [b""] * count
    for item in items:
        ordered[item.index] = _unit(item.embedding, dimension)
    return ordered


def refusal(status: int, body: bytes) -> PortError:
    """From a status that is not 200. The server's words are shown, since they say what to do; no header is."""
    words = _words(body)
    if is_passing(status):
        return Unavailable(f"the embedding server answered {status}{words}")
    if status in _REFUSED:
        return Misconfigured(
            f"the embedding server refuses the key, the model or the address: {status}{words}"
        )
    return Rejected(f"the embedding server refuses the text: {status}{words}", "content")


def is_passing(status: int) -> bool:
    """Whether the same request may succeed later."""
    return status in _TRY_LATER or status >= 500


def _unit(embedding: str | list[float], dimension: int) -> bytes:
    values = array("f")
    try:
        if isinstance(embedding, str):
            values.frombytes(b64decode(embedding, validate=True))
            if sys.byteorder == "big":
                values.byteswap()
        else:
            values.extend(embedding)
    except (Base64Error, ValueError, OverflowError) as error:
        raise Unavailable(f"the embedding server sent a vector that cannot be read: {error}") from error
    if len(values) != dimension:
        raise Misconfigured(
            f"the embedding server's vectors have {len(values)} dimensions, not {dimension}: "
            "set AGENT_MEMORY_EMBEDDER_DIMENSION, or name another model"
        )
    length = math.hypot(*values)
    if not 0.0 < length < math.inf:
        raise Unavailable("the embedding server sent a vector without a direction")
    unit = array("f", [value / length for value in values])
    if sys.byteorder == "big":
        unit.byteswap()
    return unit.tobytes()


def _words(body: bytes) -> str:
    try:
        told = msgspec.json.decode(body, type=_Refusal).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    message = told if isinstance(told, str) else told.message
    shown = "".join(c if c.isprintable() else " " for c in message[:_SHOWN])
    return f": {shown}" if shown else ""
