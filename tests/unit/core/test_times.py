from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_memory.core.times import parse_time
from agent_memory.ports.errors import Rejected
from agent_memory.ports.instants import from_micros, to_micros


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T09:30", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("2026-03-01 09:30:01.5Z", datetime(2026, 3, 1, 9, 30, 1, 500_000, tzinfo=UTC)),
        ("2026-03-01T09:30:00+02:00", datetime(2026, 3, 1, 7, 30, tzinfo=UTC)),
        ("2026-03-01T09:30:00-0530", datetime(2026, 3, 1, 15, 0, tzinfo=UTC)),
    ],
)
def test_iso_8601_is_understood(text: str, instant: datetime) -> None:
    assert parse_time(text, "since") == instant


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026-13-01", "2026-02-30", "2026-3-1", "20260301", "1700000000", "2026-03-01T25:00",
     "2026-W10-1", "\uff12\uff10\uff12\uff16-03-01", "0001-01-01T00:00:00+23:59", "2026-03-01T09:30:00+99:00"],
)  # fmt: skip
def test_anything_else_is_an_error_with_examples(text: str) -> None:
    with pytest.raises(Rejected, match=r"since: .* is not a time; write ISO 8601, for example '2026-03-01'"):
        parse_time(text, "since")


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_instant_survives_text_and_storage(instant: datetime) -> None:
    assert parse_time(instant.isoformat(), "t") == instant
    assert from_micros(to_micros(instant)) == instant


def test_storage_keeps_instants_not_wall_clocks() -> None:
    zone = timezone(timedelta(hours=2))
    local = datetime(2026, 3, 1, 9, 30, tzinfo=zone)
    assert from_micros(to_micros(local)) == local
    assert from_micros(to_micros(local)).tzinfo is UTC
