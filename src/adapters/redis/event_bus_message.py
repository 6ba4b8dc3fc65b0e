"""Events on the channel, as JSON: who publishes, the number of the message, and its events.

    {"v":1,"by":"5f3a...","n":17,"lost":false,"events":[{"seq":4711,"kind":"entry.added",...}]}

Each publisher numbers its messages from 1 without holes, so whoever has heard one of them knows what is missing before
another. `lost` says it to those who have heard none: of what this publisher sent before, something may be missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ...ports.errors import Rejected
from ...ports.instants import from_micros, to_micros
from ...ports.records import Event

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_PAYLOAD = 64 * 1024
"""What is larger goes by reference. The server keeps each message for every subscriber until it was sent."""

_MOST_EVENTS = 256
_MOST_PAYLOAD = 4 * MAX_PAYLOAD
"""Bounds of one message: others on the same server wait while it is written."""

_VERSION = 1


class _Fields(msgspec.Struct, frozen=True):
    seq: int
    kind: str
    scope: str
    subject: str
    at: int
    version: int
    origin: str
    payload: bytes = b""


class _Message(msgspec.Struct, frozen=True):
    v: int
    by: str
    n: int
    lost: bool
    events: tuple[_Fields, ...]


class Message(msgspec.Struct, frozen=True):
    by: str
    number: int
    lost: bool
    events: tuple[Event, ...]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Message).decode


def portions(events: Sequence[Event]) -> Iterator[list[Event]]:
    """What goes into one message each, in order; payloads that are too large are left out."""
    portion: list[Event] = []
    octets = 0
    for event in events:
        small = len(event.payload) <= MAX_PAYLOAD
        carried = event if small else msgspec.structs.replace(event, payload=b"")
        if portion and (len(portion) == _MOST_EVENTS or octets + len(carried.payload) > _MOST_PAYLOAD):
            yield portion
            portion, octets = [], 0
        portion.append(carried)
        octets += len(carried.payload)
    if portion:
        yield portion


def to_bytes(by: str, number: int, events: Sequence[Event], *, lost: bool = False) -> bytes:
    fields = tuple(
        _Fields(
            event.seq,
            event.kind,
            event.scope,
            event.subject,
            to_micros(event.at),
            event.version,
            event.origin,
            event.payload,
        )
        for event in events
    )
    try:
        return _encode(_Message(_VERSION, by, number, lost, fields))
    except UnicodeEncodeError as error:
        raise Rejected(
            f"event {events[0].kind!r}: a lone surrogate in its text; send valid Unicode"
        ) from error


def from_bytes(data: bytes) -> Message | None:
    """None for what no version of ours has written."""
    try:
        message = _decode(data)
        events = tuple(
            Event(
                kind=fields.kind,
                scope=fields.scope,
                subject=fields.subject,
                at=from_micros(fields.at),
                version=fields.version,
                origin=fields.origin,
                seq=fields.seq,
                payload=fields.payload,
            )
            for fields in message.events
        )
    except (msgspec.MsgspecError, OverflowError):
        return None
    return Message(message.by, message.n, message.lost, events)
