"""Records as rows, and back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from ...ports.errors import Rejected
from ...ports.instants import from_micros, to_micros
from ...ports.records import KINDS, RELATION_TYPES, STATES, Entry, Provenance, Relation

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

Row: TypeAlias = tuple[Any, ...]

ACTIVE, SUPERSEDED, ARCHIVED, DELETED = range(4)
KIND_CODES = {kind: code for code, kind in enumerate(KINDS)}
STATE_CODES = {state: code for code, state in enumerate(STATES)}
TYPE_CODES = {type_: code for code, type_ in enumerate(RELATION_TYPES)}

COLUMNS = (
    "id, scope, kind, state, version, at, created_at, updated_at, occurred_at, valid_from, valid_until, expires_at, "
    "importance, content_hash, author, title, tags, provenance, metadata, content"
)
E_COLUMNS = ", ".join(f"e.{column}" for column in COLUMNS.split(", "))
ID, SCOPE, _KIND, STATE, VERSION, AT, _CREATED, UPDATED = range(8)
EXPIRES, HASH, AUTHOR, TITLE, TAGS, CONTENT = 11, 13, 14, 15, 16, 19
WIDTH = 20

encode = msgspec.json.Encoder().encode
_decode_tags = msgspec.json.Decoder(tuple[str, ...]).decode
_decode_provenance = msgspec.json.Decoder(Provenance).decode
_decode_metadata = msgspec.json.Decoder(dict[str, Any]).decode
_NOBODY = Provenance()
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""An escaped NUL in JSON, and no escaped backslash before the letter u."""


def checked(text: str, field: str) -> str:
    """The text itself, if every adapter can keep it."""
    if "\0" in text:
        raise Rejected(f"{field}: NUL at character {text.index(chr(0))} is not allowed", field)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise Rejected(
                f"{field}: lone surrogate at character {error.start}; send valid Unicode", field
            ) from None
    return text


def to_json(value: object, field: str) -> str:
    try:
        text = encode(value).decode()
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise Rejected(f"{field}: cannot be written as JSON ({error})", field) from None
    if "\\u0000" in text and _NUL.search(text):
        raise Rejected(f"{field}: NUL in text is not allowed", field)
    return text


def entry_row(entry: Entry) -> Row:
    """In the order of COLUMNS."""
    tags = entry.tags
    created = to_micros(entry.created_at)
    occurred = None if entry.occurred_at is None else to_micros(entry.occurred_at)
    return (
        checked(entry.id, "id"),
        checked(entry.scope, "scope"),
        KIND_CODES[entry.kind],
        STATE_CODES[entry.state],
        entry.version,
        created if occurred is None else occurred,
        created,
        to_micros(entry.updated_at),
        occurred,
        None if entry.valid_from is None else to_micros(entry.valid_from),
        None if entry.valid_until is None else to_micros(entry.valid_until),
        None if entry.expires_at is None else to_micros(entry.expires_at),
        entry.importance,
        entry.content_hash,
        checked(entry.author, "author"),
        checked(entry.title, "title"),
        to_json(tags, "tags") if tags else "[]",
        "{}" if entry.provenance == _NOBODY else to_json(entry.provenance, "provenance"),
        to_json(entry.metadata, "metadata") if entry.metadata else "{}",
        checked(entry.content, "content"),
    )


def _instant(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


def row_entry(row: Row) -> Entry:
    """From COLUMNS; what follows them is left alone."""
    kind: int
    state: int
    (
        id_, scope, kind, state, version, _, created_at, updated_at, occurred_at, valid_from, valid_until, expires_at,
        importance, content_hash, author, title, tags, provenance, metadata, content,
    ) = row[:WIDTH]  # fmt: skip
    return Entry(
        id=id_,
        scope=scope,
        content=content,
        content_hash=content_hash,
        created_at=from_micros(created_at),
        updated_at=from_micros(updated_at),
        kind=KINDS[kind],
        title=title,
        tags=() if tags == "[]" else _decode_tags(tags),
        metadata={} if metadata == "{}" else _decode_metadata(metadata),
        author=author,
        importance=importance,
        occurred_at=_instant(occurred_at),
        valid_from=_instant(valid_from),
        valid_until=_instant(valid_until),
        expires_at=_instant(expires_at),
        version=version,
        state=STATES[state],
        provenance=_NOBODY if provenance == "{}" else _decode_provenance(provenance),
    )


def row_relation(row: Row) -> Relation:
    type_: int
    source, target, type_, created_at, agent = row[:5]
    return Relation(
        source=source,
        target=target,
        type=RELATION_TYPES[type_],
        created_at=from_micros(created_at),
        agent=agent,
    )


def decode_tags(text: str) -> tuple[str, ...]:
    return () if text == "[]" else _decode_tags(text)


def mask(codes: Iterable[int]) -> int:
    """A bit per code, so that membership is one shift in SQL."""
    bits = 0
    for code in codes:
        bits |= 1 << code
    return bits
