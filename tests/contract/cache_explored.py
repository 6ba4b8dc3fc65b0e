"""Cache, third part: after any schedule it gives nothing but what it may."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import msgspec
from hypothesis import strategies as st

from .cache_loading import CacheLoading, Loader, pace
from .exploring import explore, schedule
from .suite import SAFETY, cancelled, level, needs, running, settle, soon

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_memory.ports.cache import Cache

    from .cache_keeping import CacheHarness

KEYS = ("x:a", "x:b", "y:a")
STEP = 2.0
"""Seconds by which time moves. The ttls end between two of them."""


class Put(msgspec.Struct, frozen=True):
    client: int
    key: str
    ttl: float


class Get(msgspec.Struct, frozen=True):
    client: int
    key: str


class Drop(msgspec.Struct, frozen=True):
    """Delete a key, or clear a prefix."""

    client: int
    what: str


class Load(msgspec.Struct, frozen=True):
    client: int
    key: str
    ttl: float
    fails: bool


class Land(msgspec.Struct, frozen=True):
    """Let one of the loads end."""

    which: int


class Leave(msgspec.Struct, frozen=True):
    """Cancel one of those who wait for a load."""

    which: int


class Pass(msgspec.Struct, frozen=True):
    steps: int


class Cut(msgspec.Struct, frozen=True):
    """The backend goes away, or comes back."""


Step = Put | Get | Drop | Load | Land | Leave | Pass | Cut

_CLIENTS = st.integers(0, 1)
_KEYS = st.sampled_from(KEYS)
_TTLS = st.sampled_from((5.0, 15.0))
SIMPLE: tuple[st.SearchStrategy[Step], ...] = (
    st.builds(Put, _CLIENTS, _KEYS, _TTLS),
    st.builds(Get, _CLIENTS, _KEYS),
    st.builds(Get, _CLIENTS, _KEYS),
    st.builds(Drop, _CLIENTS, st.sampled_from((*KEYS, "", "x:", "y:"))),
    st.builds(Load, _CLIENTS, _KEYS, _TTLS, st.booleans()),
    st.builds(Pass, st.integers(1, 4)),
)
FLIGHTS: tuple[st.SearchStrategy[Step], ...] = (
    st.builds(Load, _CLIENTS, _KEYS, _TTLS, st.booleans()),
    st.builds(Land, st.integers(0, 5)),
    st.builds(Land, st.integers(0, 5)),
    st.builds(Leave, st.integers(0, 5)),
)


class Kept(msgspec.Struct):
    """What may be found until then; what was loaded ages from the question or from the answer."""

    value: bytes
    until: float


class Flight:
    """A load that some wait for. It `stands` until something changes its key."""

    def __init__(self, key: str, loader: Loader, value: bytes | None, ttl: float) -> None:
        self.key = key
        self.loader = loader
        self.value = value
        self.ttl = ttl
        self.waiting: list[asyncio.Task[bytes]] = []
        self.joined: list[Loader] = []


class Play:
    """One schedule. `at_once`: loads end in the step that asks for them."""

    def __init__(
        self, harness: CacheHarness, clients: Sequence[Cache], number: int, *, at_once: bool
    ) -> None:
        self._harness = harness
        self._clients = clients
        self._prefix = f"{number}|"
        self._at_once = at_once
        self._now = 0.0
        self._values = 0
        self._kept: dict[str, list[Kept]] = {}
        self._standing: dict[str, Flight] = {}
        self._flights: list[Flight] = []
        self._is_cut = False

    async def run(self, steps: Sequence[Step]) -> None:
        try:
            for step in steps:
                await self._take(step)
            while self._flights:
                await self._land(self._flights[0])
            for key in KEYS:
                await self._get(self._clients[-1], key)
        finally:
            waiting = [task for flight in self._flights for task in flight.waiting]
            for task in waiting:
                task.cancel()
            if waiting:
                await asyncio.wait(waiting, timeout=SAFETY)
            if self._is_cut:
                await self._harness.heal()

    async def _take(self, step: Step) -> None:
        match step:
            case Put():
                value = self._new_value()
                self._change(step.key, exactly=True)
                self._kept[step.key] = [Kept(value, self._now + step.ttl)]
                await soon(self._client(step.client).put(self._prefix + step.key, value, ttl=step.ttl))
                await self._harness.advance(self._clients[0].capabilities.lag)
            case Get():
                await self._get(self._client(step.client), step.key)
            case Drop():
                await self._drop(self._client(step.client), step.what)
            case Load() if self._at_once:
                await self._load(self._client(step.client), step)
            case Load():
                await self._ask(self._clients[0], step)
            case Land() if self._flights:
                await self._land(self._flights[step.which % len(self._flights)])
            case Leave() if self._flights:
                await self._leave(self._flights[step.which % len(self._flights)], step.which)
            case Pass():
                self._now += STEP * step.steps
                await self._harness.advance(STEP * step.steps)
            case Cut():
                await (self._harness.heal() if self._is_cut else self._harness.sever())
                self._is_cut = not self._is_cut
            case _:
                pass

    def _client(self, which: int) -> Cache:
        return self._clients[which % len(self._clients)]

    def _new_value(self) -> bytes:
        self._values += 1
        return b"%d" % self._values if self._values % 3 else b""

    def _change(self, what: str, *, exactly: bool) -> None:
        for key in KEYS:
            if key == what or (not exactly and key.startswith(what)):
                self._kept.pop(key, None)
                self._standing.pop(key, None)

    def _allowed(self, key: str) -> set[bytes]:
        return {kept.value for kept in self._kept.get(key, ()) if self._now < kept.until}

    async def _drop(self, cache: Cache, what: str) -> None:
        self._change(what, exactly=what in KEYS)
        if what in KEYS:
            await soon(cache.delete(self._prefix + what))
        else:
            await soon(cache.clear(prefix=self._prefix + what))
        await self._harness.advance(self._clients[0].capabilities.lag)

    async def _get(self, cache: Cache, key: str) -> None:
        found = await soon(cache.get(self._prefix + key))
        assert found is None or found in self._allowed(key), (
            f"{key} is {found!r}, may be {self._allowed(key)!r}"
        )

    async def _load(self, cache: Cache, step: Load) -> None:
        loader = Loader(ValueError("no such thing") if step.fails else self._new_value())
        loader.release()
        before = self._allowed(step.key)
        try:
            found = await soon(cache.load(self._prefix + step.key, loader, ttl=step.ttl))
        except ValueError:
            assert step.fails
            found = None
        assert loader.runs <= 1
        if not loader.runs:
            assert found in before, f"{step.key} is {found!r}, may be {before!r}"
        elif step.fails:
            assert found is None, "an error was lost"
        else:
            assert found == loader.outcome
            # Cut off, it cannot know of an older value, which then has not been changed by anyone.
            older = self._kept.get(step.key, []) if self._is_cut else []
            self._kept[step.key] = [*older, Kept(found or b"", self._now + step.ttl)]
        await self._harness.advance(self._clients[0].capabilities.lag)

    async def _ask(self, cache: Cache, step: Load) -> None:
        """Begin a load or join one, and see which it was."""
        value = None if step.fails else self._new_value()
        loader = Loader(ValueError("no such thing") if value is None else value)
        task = asyncio.create_task(cache.load(self._prefix + step.key, loader, ttl=step.ttl))
        flight = Flight(step.key, loader, value, step.ttl)
        flight.waiting.append(task)
        self._flights.append(flight)
        standing = self._standing.get(step.key)
        if standing is None:
            async with running(loader.started.wait()) as starting:
                await soon(asyncio.wait({task, starting}, return_when=asyncio.FIRST_COMPLETED))
        else:
            await settle(self._harness, pace(cache))
        if loader.runs:
            assert standing is None, "loaded twice at once"
            self._standing[step.key] = flight
            return
        self._flights.remove(flight)
        if task.done():
            found = task.result()
            assert found in self._allowed(step.key), f"{step.key} is {found!r}"
            return
        assert standing is not None
        standing.waiting.append(task)
        standing.joined.append(loader)

    async def _land(self, flight: Flight) -> None:
        """All who wait for it get its outcome; it is kept if nothing changed the key meanwhile."""
        self._flights.remove(flight)
        if self._standing.get(flight.key) is flight:
            del self._standing[flight.key]
            if flight.value is not None:
                self._kept[flight.key] = [Kept(flight.value, self._now + flight.ttl)]
        assert not any(loader.runs for loader in flight.joined), "loaded twice at once"
        flight.loader.release()
        outcomes = await soon(asyncio.gather(*flight.waiting, return_exceptions=True))
        for outcome in outcomes:
            assert outcome == flight.value or (flight.value is None and isinstance(outcome, ValueError))
        await settle(self._harness, pace(self._clients[0]))

    async def _leave(self, flight: Flight, which: int) -> None:
        task = flight.waiting.pop(which % len(flight.waiting))
        assert await cancelled(task) is None
        if not flight.waiting:
            self._flights.remove(flight)
            if self._standing.get(flight.key) is flight:
                del self._standing[flight.key]
        await settle(self._harness, pace(self._clients[0]))


async def wander(
    harness: CacheHarness, clients: Sequence[Cache], seed: int, *kinds: st.SearchStrategy[Step], at_once: bool
) -> None:
    await explore(
        schedule(*kinds),
        seed,
        lambda number, steps: Play(harness, clients, number, at_once=at_once).run(steps),
    )


class CacheExplored(CacheLoading):
    @level("plain")
    async def test_cache_51_any_schedule_gives_what_a_model_allows(
        self, harness: CacheHarness, seed: int
    ) -> None:
        """Nothing out of date, by either client."""
        async with AsyncExitStack() as stack:
            clients: list[Cache] = [await stack.enter_async_context(harness.open())]
            if harness.capabilities.second_client:
                clients.append(await stack.enter_async_context(harness.second_client()))
            await wander(harness, clients, seed, *SIMPLE, at_once=True)

    @level("concurrent")
    async def test_cache_52_loads_under_way_meet_any_change(self, harness: CacheHarness, seed: int) -> None:
        """Begun, joined, left, ended in any order: one at a time for a key, and none outlives a change."""
        async with AsyncExitStack() as stack:
            clients: list[Cache] = [await stack.enter_async_context(harness.open())]
            if harness.capabilities.second_client:
                clients.append(await stack.enter_async_context(harness.second_client()))
            await wander(harness, clients, seed, *SIMPLE, *FLIGHTS, at_once=False)

    @level("faulty")
    async def test_cache_53_faults_bring_nothing_back(self, harness: CacheHarness, seed: int) -> None:
        """While the backend goes and comes: nothing raises, and what was changed meanwhile stays changed."""
        needs(harness, "sever")
        async with harness.open() as cache:
            await wander(harness, [cache], seed, *SIMPLE, st.builds(Cut), at_once=True)
