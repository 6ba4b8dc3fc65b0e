"""Lock, third part: whatever clients do, in whatever order and at once, it was one lock."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import strategies as st

from agent_memory.ports.errors import LockTimeout, NotHeld, Unavailable

from .exploring import explore, schedule
from .lock_history import TICK, Action, Call, History
from .lock_leases import LONG
from .lock_waits import LockWaits
from .suite import SAFETY, level, needs, soon, turns

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from agent_memory.ports.lock import Held, Lease, Lock

    from .harness import Harness

TTLS = (10.0, 18.0)
"""Two and a half ticks, and four and a half."""
LAST_TTL = 5
"""Ticks after which the longest of them has surely ended."""


class Acquire(msgspec.Struct, frozen=True):
    client: int
    name: str
    owner: str
    ttl: float
    wait: float


class Use(msgspec.Struct, frozen=True):
    """Renew (where there is a ttl) or release one of the leases granted so far, the latest first, over or not."""

    client: int
    which: int
    ttl: float | None


class Look(msgspec.Struct, frozen=True):
    client: int
    name: str
    by_force: bool


class Cancel(msgspec.Struct, frozen=True):
    """One of those that wait."""

    which: int


class Pause(msgspec.Struct, frozen=True):
    """Turns of the event loop, or until all have come to rest."""

    turns: int | None


class Tick(msgspec.Struct, frozen=True):
    pass


class Cut(msgspec.Struct, frozen=True):
    """The backend cannot be reached until the end of so many ticks."""

    ticks: int


Step = Acquire | Use | Look | Cancel | Pause | Tick | Cut

_CLIENTS = st.integers(0, 1)
_NAMES = st.sampled_from(("a", "b", "a"))
_WHICH = st.sampled_from((0, 0, 0, 1, 2, 5))
STEPS: tuple[st.SearchStrategy[Step], ...] = (
    st.builds(
        Acquire,
        _CLIENTS,
        _NAMES,
        st.sampled_from(("ada", "bob", "eve")),
        st.sampled_from(TTLS),
        st.sampled_from((0.0, 6.0, LONG, LONG)),
    ),
    st.builds(Use, _CLIENTS, _WHICH, st.sampled_from((None, *TTLS))),
    st.builds(Look, _CLIENTS, _NAMES, st.sampled_from((False, False, True))),
    st.builds(Cancel, _WHICH),
    st.builds(Pause, st.sampled_from((None, None, 1, 3, 8))),
    st.builds(Tick),
)
FAULTS: tuple[st.SearchStrategy[Step], ...] = (st.builds(Cut, st.integers(0, 2)),)


class Play:
    """One schedule on one or more clients. Every call is a task, so that what is not paused for goes on at once."""

    def __init__(self, harness: Harness[Lock], clients: Sequence[Lock], number: int) -> None:
        self._harness = harness
        self._clients = clients
        self._number = number
        self._is_cut = False
        self._was_cut = False
        self._history = History()
        self._leases: list[Lease] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: list[asyncio.Task[None]] = []

    async def run(self, steps: Sequence[Step]) -> None:
        try:
            for step in steps:
                await self._take(step)
            await self._rest()
            await self._drain()
            self._history.check()
        finally:
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=SAFETY)

    async def _take(self, step: Step) -> None:
        match step:
            case Acquire():
                call = Call("acquire", self._name(step.name), step.owner, ttl=step.ttl)
                task = self._spawn(self._acquire(self._client(step.client), call, step.wait))
                self._waiting.append(task)
            case Use() if self._leases:
                lease = self._leases[-1 - step.which % len(self._leases)]
                self._spawn(self._use(self._client(step.client), lease, step.ttl))
            case Look():
                self._spawn(self._look(self._client(step.client), self._name(step.name), step.by_force))
            case Cancel():
                self._waiting = [task for task in self._waiting if not task.done()]
                if self._waiting:
                    self._waiting[step.which % len(self._waiting)].cancel()
            case Pause(None):
                await self._rest()
            case Pause(count):
                await turns(count or 0)
            case Tick():
                await self._tick()
            case Cut():
                await self._cut(step.ticks)
            case _:
                pass

    async def _cut(self, ticks: int) -> None:
        self._history.cut()
        # Whoever asks now is kept until an adapter has tried often enough: nobody waits for that.
        self._is_cut = self._was_cut = True
        await self._harness.sever()
        for _ in range(ticks):
            await self._tick()
        await self._rest()
        self._history.cut()
        await self._harness.heal()
        self._is_cut = False

    def _name(self, name: str) -> str:
        return f"{name} {self._number}"

    def _client(self, which: int) -> Lock:
        return self._clients[which % len(self._clients)]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        return task

    async def _acquire(self, lock: Lock, call: Call, wait: float) -> None:
        self._history.begin(call)
        try:
            lease = await lock.acquire(call.name, owner=call.owner, ttl=call.ttl, wait=wait)
        except LockTimeout:
            self._history.end(call, "refused")
        except Unavailable:
            self._history.end(call, "unknown")
        except asyncio.CancelledError:
            self._history.cancelled(call)
            raise
        else:
            assert (lease.name, lease.owner) == (call.name, call.owner)
            self._leases.append(lease)
            self._history.end(call, "done", lease.token)

    async def _use(self, lock: Lock, lease: Lease, ttl: float | None) -> None:
        action: Action = "release" if ttl is None else "renew"
        call = self._history.begin(Call(action, lease.name, lease.owner, lease.token, ttl or 0.0))
        try:
            if ttl is None:
                await lock.release(lease)
            else:
                renewed = await lock.renew(lease, ttl=ttl)
                assert renewed.token == lease.token
        except NotHeld:
            self._history.end(call, "not held")
        except Unavailable:
            self._history.end(call, "unknown")
        else:
            self._history.end(call, "done")

    async def _look(self, lock: Lock, name: str, by_force: bool) -> None:
        call = self._history.begin(Call("force" if by_force else "inspect", name))
        try:
            if by_force:
                seen: Held | None = await lock.force_release(name, by="admin", reason="explored")
            else:
                seen = await lock.inspect(name)
        except Unavailable:
            self._history.end(call, "unknown")
            return
        if seen is None:
            self._history.end(call, "nothing")
        else:
            call.owner = seen.owner
            self._history.end(call, "done", seen.token)

    async def _rest(self) -> None:
        """What was begun before is answered, or waits."""
        for _ in range(3):
            await turns(10)
            for client in () if self._is_cut else self._clients:
                await soon(client.inspect("elsewhere"))
            await self._harness.advance(0)
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.result()

    async def _tick(self) -> None:
        tick = self._history.begin(Call("tick"))
        await self._harness.advance(TICK)
        await self._rest()
        self._history.tick_over(tick)

    async def _drain(self) -> None:
        """Nobody takes anything any more: each who waits has the lock once those before it have run out."""
        for _ in range(LAST_TTL * (1 + sum(not task.done() for task in self._tasks))):
            await self._tick()
            if all(task.done() for task in self._tasks):
                await self._tick()
                return
        if not self._was_cut:
            raise AssertionError("who waits for a lock that is free was not woken")
        await soon(self._drain_slowly())

    async def _drain_slowly(self) -> None:
        """By whatever clock an adapter measures its pauses after an outage: here real time passes, and the backend's
        clock moves only for the lease of whoever was woken.
        """
        while waiting := sum(not task.done() for task in self._tasks):
            await self._rest()
            if sum(not task.done() for task in self._tasks) < waiting:
                for _ in range(LAST_TTL):
                    await self._tick()


class LockExplored(LockWaits):
    @level("concurrent")
    async def test_lock_51_any_history_is_that_of_one_lock(self, harness: Harness[Lock], seed: int) -> None:
        """Calls at once, cancelled, late, forced: one order of them explains every answer, and nobody is forgotten."""
        async with harness.open() as lock:
            await explore(
                schedule(*STEPS), seed, lambda number, steps: Play(harness, [lock], number).run(steps)
            )

    @level("concurrent")
    async def test_lock_52_so_it_is_for_several_clients(self, harness: Harness[Lock], seed: int) -> None:
        """Each call by either of two, also with a lease that the other was given."""
        needs(harness, "second_client")
        async with harness.open() as one, harness.second_client() as two:
            await explore(
                schedule(*STEPS), seed, lambda number, steps: Play(harness, [one, two], number).run(steps)
            )

    @level("faulty")
    async def test_lock_53_so_it_is_when_the_backend_goes_away(
        self, harness: Harness[Lock], seed: int
    ) -> None:
        """A call that was not answered was done once, or not at all."""
        needs(harness, "sever")
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(harness.open())]
            if harness.capabilities.second_client:
                clients.append(await stack.enter_async_context(harness.second_client()))
            await explore(
                schedule(*STEPS, *FAULTS),
                seed,
                lambda number, steps: Play(harness, clients, number).run(steps),
            )
