"""An event as the text of a NOTIFY: a number, a space, and the fields as an array in JSON.

The number tells events of one call apart, however alike: of equal messages in one transaction PostgreSQL sends one. The
migration that makes the outbox tell its own events writes the same form.
"""

from __future__ import annotations

import msgspec

from ...ports.errors import Rejected
from ...ports.instants import from_micros, to_micros
from ...ports.records import Event

MAX_PAYLOAD = 4096
"""What is larger goes by reference. In base64 this leaves 2,500 octets for the other fields."""

_MOST_OCTETS = 7999
TOO_LARGE = "0 too large"


class _Fields(msgspec.Struct, array_like=True, frozen=True):
    seq: int
    kind: str
    scope: str
    subject: str
    at: int
    version: int
    origin: str
    payload: bytes


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Fields).decode


def to_message(number: int, event: Event) -> str:
    """Without its payload where that is too large; `TOO_LARGE` where the rest is too."""
    if len(event.payload) <= MAX_PAYLOAD:
        whole = _message(number, event, event.payload)
        if len(whole) <= _MOST_OCTETS:
            return whole.decode()
    bare = _message(number, event, b"")
    return bare.decode() if len(bare) <= _MOST_OCTETS else TOO_LARGE


def from_message(message: str) -> Event | None:
    """None for what only says that something happened, and for what no version of ours has written."""
    try:
        fields = _decode(message.partition(" ")[2])
        at = from_micros(fields.at)
    except (msgspec.MsgspecError, OverflowError):
        return None
    return Event(
        kind=fields.kind,
        scope=fields.scope,
        subject=fields.subject,
        at=at,
        version=fields.version,
        origin=fields.origin,
        seq=fields.seq,
        payload=fields.payload,
    )


def _message(number: int, event: Event, payload: bytes) -> bytes:
    fields = _Fields(
        event.seq,
        event.kind,
        event.scope,
        event.subject,
        to_micros(event.at),
        event.version,
        event.origin,
        payload,
    )
    try:
        return b"%d %b" % (number, _encode(fields))
    except UnicodeEncodeError as error:
        raise Rejected(f"event {event.kind!r}: a lone surrogate in its text; send valid Unicode") from error
