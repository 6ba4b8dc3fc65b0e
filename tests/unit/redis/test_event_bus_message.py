from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_memory.adapters.redis.event_bus_message import MAX_PAYLOAD, from_bytes, portions, to_bytes
from agent_memory.ports.records import Event

AT = datetime(2026, 5, 4, 3, 2, 1, 123456, tzinfo=UTC)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
EVENTS = st.builds(
    Event,
    kind=TEXT,
    scope=TEXT,
    subject=TEXT,
    at=st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 (hypothesis adds it)
    version=st.integers(0, 2**31),
    origin=TEXT,
    seq=st.integers(0, 2**62),
    payload=st.binary(max_size=100),
)


def event(number: int, octets: int = 0) -> Event:
    return Event(kind="entry.added", scope="acme", subject="a", at=AT, seq=number, payload=bytes(octets))


@settings(deadline=None)
@given(st.lists(EVENTS, max_size=5), st.integers(1, 2**53), st.booleans())
def test_what_is_written_is_read(events: list[Event], number: int, lost: bool) -> None:
    message = from_bytes(to_bytes("someone", number, events, lost=lost))
    assert message is not None
    assert (message.by, message.number, message.lost, list(message.events)) == (
        "someone",
        number,
        lost,
        events,
    )


@settings(deadline=None)
@given(st.lists(st.sampled_from([0, 1, MAX_PAYLOAD - 1, MAX_PAYLOAD, MAX_PAYLOAD + 1]), max_size=40))
def test_portions_keep_order_and_bounds(sizes: list[int]) -> None:
    events = [event(number, octets) for number, octets in enumerate(sizes)]
    parts = list(portions(events))
    assert [each.seq for part in parts for each in part] == list(range(len(sizes)))
    assert [len(each.payload) for part in parts for each in part] == [
        octets if octets <= MAX_PAYLOAD else 0 for octets in sizes
    ]
    for part in parts:
        assert part
        assert sum(len(each.payload) for each in part) <= 4 * MAX_PAYLOAD


def test_many_small_events_are_several_messages() -> None:
    assert [len(part) for part in portions([event(number) for number in range(600)])] == [256, 256, 88]


def test_fields_of_later_versions_are_passed_over() -> None:
    fields = msgspec.json.decode(to_bytes("someone", 1, [event(1)]))
    fields["new"] = fields["events"][0]["new"] = [1]
    message = from_bytes(msgspec.json.encode(fields))
    assert message is not None
    assert message.events == (event(1),)


def test_an_instant_that_no_calendar_has_is_unreadable() -> None:
    fields = msgspec.json.decode(to_bytes("someone", 1, [event(1)]))
    fields["events"][0]["at"] = 2**62
    assert from_bytes(msgspec.json.encode(fields)) is None
