"""A port with its calls timed: the same answers and errors, and each noted once."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_memory.entrypoints.observability.tallies import Counts, Times
from agent_memory.entrypoints.observability.timed import coroutines_of, timed
from agent_memory.ports.errors import Conflict, Unavailable
from agent_memory.ports.storage import Storage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Port:
    def __init__(self) -> None:
        self.entered = False
        self.name = "port"

    async def __aenter__(self) -> Self:
        self.entered = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self.entered = False

    async def add(self, one: int, *, other: int) -> int:
        return one + other

    async def fail(self, error: Exception) -> None:
        raise error

    async def wait(self) -> None:
        await asyncio.Event().wait()

    async def untold(self) -> str:
        return "untold"

    def mark(self) -> int:
        return 7

    @asynccontextmanager
    async def unit(self) -> AsyncGenerator[int]:
        yield 5


class Noted:
    def __init__(self) -> None:
        self.all: list[tuple[str, str]] = []

    def __call__(self, operation: str, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        self.all.append((operation, outcome))


async def test_answers_and_errors_pass_through_and_are_noted() -> None:
    noted = Noted()
    port = timed(Port(), ("add", "fail"), noted, blocks=("unit",))
    assert await port.add(1, other=2) == 3
    with pytest.raises(Unavailable, match="away"):
        await port.fail(Unavailable("away"))
    with pytest.raises(KeyError):
        await port.fail(KeyError("x"))
    async with port.unit() as five:
        assert five == 5
    with pytest.raises(Conflict):
        async with port.unit():
            raise Conflict("someone else")
    assert noted.all == [
        ("add", "ok"),
        ("fail", "unavailable"),
        ("fail", "defect"),
        ("unit", "ok"),
        ("unit", "conflict"),
    ]


async def test_what_is_cancelled_is_not_noted() -> None:
    noted = Noted()
    port = timed(Port(), ("wait",), noted)
    waiting = asyncio.create_task(port.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert noted.all == []


async def test_the_rest_is_the_port_s_own() -> None:
    noted, own = Noted(), Port()
    port = timed(own, ("add",), noted)
    assert (port.name, port.mark(), await port.untold()) == ("port", 7, "untold")
    own.name = "renamed"
    assert port.name == "renamed"
    async with port as entered:
        assert entered is port
        assert own.entered
    assert not own.entered
    assert noted.all == []


def test_every_coroutine_of_the_storage_port_is_found_and_nothing_else() -> None:
    found = coroutines_of(Storage)
    assert {"get", "apply", "search", "lease_jobs", "complete_job", "health"} <= set(found)
    assert not {"unit", "scan", "mark", "capabilities", "__aenter__"} & set(found)


@given(st.lists(st.floats(0, 100, allow_nan=False)))
def test_times_fall_into_the_buckets_that_prometheus_means(seconds: list[float]) -> None:
    """`le` is "at most"."""
    bounds = (0.1, 1.0, 10.0)
    times = Times(bounds)
    for one in seconds:
        times.note(("x",), one)
    if not seconds:
        assert list(times.series()) == []
        return
    [(labels, upto, total)] = times.series()
    assert labels == ("x",)
    assert upto == [*(sum(one <= bound for one in seconds) for bound in bounds), len(seconds)]
    assert total == pytest.approx(sum(seconds))
    assert times.count(("x",)) == len(seconds)


def test_counts_grow_by_labels() -> None:
    counts = Counts()
    counts.add(("a",))
    counts.add(("a",), 2)
    counts.add(("b",))
    assert counts.rows == {("a",): 3, ("b",): 1}
