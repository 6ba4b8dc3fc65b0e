"""Records as rows, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ...ports.errors import Rejected
from ...ports.instants import from_micros, to_micros
from ...ports.records import KINDS, RELATION_TYPES, STATES, Entry, Provenance, Relation
from .words import words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from asyncpg import Record

Row = tuple[Any, ...]

ACTIVE, SUPERSEDED, ARCHIVED, DELETED = range(4)
KIND_CODES = {kind: code for code, kind in enumerate(KINDS)}
STATE_CODES = {state: code for code, state in enumerate(STATES)}
TYPE_CODES = {type_: code for code, type_ in enumerate(RELATION_TYPES)}

COLUMNS = (
    "id, scope, kind, state, version, at, created_at, updated_at, occurred_at, valid_from, valid_until, expires_at, "
    "importance, content_hash, author, title, tags, provenance, metadata, content"
)
E_COLUMNS = ", ".join(f"e.{column}" for column in COLUMNS.split(", "))
ID, SCOPE, KIND, STATE, VERSION, AT, CREATED, UPDATED = range(8)
EXPIRES, HASH, AUTHOR, TITLE, TAGS, CONTENT = 11, 13, 14, 15, 16, 19
WIDTH = 20

encode = msgspec.json.Encoder().encode
_decode_provenance = msgspec.json.Decoder(Provenance).decode
_decode_metadata = msgspec.json.Decoder(dict[str, Any]).decode
_NOBODY = Provenance()


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
    if "\\u0000" in text and _holds_nul(msgspec.json.decode(text)):
        raise Rejected(f"{field}: NUL in text is not allowed", field)
    return text


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        parts: list[Any] = [part for pair in value.items() for part in pair]  # pyright: ignore[reportUnknownVariableType] - JSON
    else:
        parts = list(value) if isinstance(value, list) else []  # pyright: ignore[reportUnknownArgumentType] - JSON
    return any(map(_holds_nul, parts))


def entry_row(entry: Entry) -> Row:
    """In the order of COLUMNS."""
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
        [checked(tag, "tags") for tag in entry.tags],
        "{}" if entry.provenance == _NOBODY else to_json(entry.provenance, "provenance"),
        to_json(entry.metadata, "metadata") if entry.metadata else "{}",
        checked(entry.content, "content"),
    )


def text_row(title: str, content: str, tags: Sequence[str], author: str) -> Row:
    """How many words there are, then those of each field."""
    found = [words(text) for text in (title, content, " ".join(tags), author)]
    return (sum(map(len, found)), *(" ".join(part) for part in found))


def _values(row: Record, count: int) -> Row:
    return tuple(row.values())[:count]


def _instant(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


def row_entry(row: Record) -> Entry:
    """From COLUMNS; what follows them is left alone."""
    kind: int
    state: int
    (
        id_, scope, kind, state, version, _, created_at, updated_at, occurred_at, valid_from, valid_until, expires_at,
        importance, content_hash, author, title, tags, provenance, metadata, content,
    ) = _values(row, WIDTH)  # fmt: skip
    return Entry(
        id=id_,
        scope=scope,
        content=content,
        content_hash=content_hash,
        created_at=from_micros(created_at),
        updated_at=from_micros(updated_at),
        kind=KINDS[kind],
        title=title,
        tags=tuple(tags),
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


def row_relation(row: Record) -> Relation:
    type_: int
    source, target, type_, created_at, agent = _values(row, 5)
    return Relation(
        source=source,
        target=target,
        type=RELATION_TYPES[type_],
        created_at=from_micros(created_at),
        agent=agent,
    )
