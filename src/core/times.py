"""Instants as people and models write them. Strict: what is not understood is an error, never ignored."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from ..ports.errors import Rejected

_SHAPE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII)


def parse_time(text: str, field: str) -> datetime:
    """An ISO 8601 date, with or without a time, as an aware UTC instant: UTC unless it says else, midnight likewise."""
    if _SHAPE.fullmatch(text):
        try:
            instant = datetime.fromisoformat(text)
            return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise Rejected(
        f"{field}: {text[:64]!r} is not a time; write ISO 8601, for example "
        "'2026-03-01', '2026-03-01T09:30:00Z' or '2026-03-01T09:30:00+02:00'",
        field,
    )


def optional_time(text: str | None, field: str) -> datetime | None:
    return None if text is None else parse_time(text, field)
