"""EventBus, third part: whatever is published, read, left and lost, each subscriber's stream adds up."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import strategies as st

from agent_memory.ports.errors import Unavailable
from agent_memory.ports.records import Event, Gap

from .bus_delivery import AMPLE, event, take_until
from .bus_loss import become
from .exploring import explore, schedule
from .suite import Suite, cancelled, level, needs, running, soon, turns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager

    from agent_memory.ports.event_bus import EventBus, Subscription

    from .harness import Harness


class Publish(msgspec.Struct, frozen=True):
    client: int
    count: int


class Enter(msgspec.Struct, frozen=True):
    client: int
    capacity: int


class Read(msgspec.Struct, frozen=True):
    """Take what waits, at most so many."""

    which: int
    most: int


class Abandon(msgspec.Struct, frozen=True):
    """Wait for the next, and be cancelled after so many turns, while something is published or not."""

    which: int
    turns: int
    publishes: bool


class Leave(msgspec.Struct, frozen=True):
    which: int


class Cut(msgspec.Struct, frozen=True):
    """The backend goes away; something may be published meanwhile; it comes back."""

    publishes: bool


Step = Publish | Enter | Read | Abandon | Leave | Cut

_CLIENTS = st.integers(0, 1)
_WHICH = st.integers(0, 5)
_PUBLISH: st.SearchStrategy[Step] = st.builds(Publish, _CLIENTS, st.integers(1, 4))
STEPS: tuple[st.SearchStrategy[Step], ...] = (
    _PUBLISH,
    _PUBLISH,
    st.builds(Enter, _CLIENTS, st.sampled_from((1, 2, 5, 50))),
    st.builds(Read, _WHICH, st.sampled_from((1, 3, 100))),
    st.builds(Read, _WHICH, st.sampled_from((1, 3, 100))),
    st.builds(Abandon, _WHICH, st.integers(0, 8), st.booleans()),
    st.builds(Leave, _WHICH),
)


class Listener:
    """One subscription, and what it must still be told of each publisher."""

    def __init__(
        self,
        block: AbstractAsyncContextManager[Subscription],
        subscription: Subscription,
        capacity: int,
        published: dict[str, int],
    ) -> None:
        self.block = block
        self.subscription = subscription
        self._capacity = capacity
        self._from = dict(published)
        self._next = dict(published)
        self._lost_since = dict.fromkeys(published, False)
        self._may_lose = False

    def published(self, published: dict[str, int]) -> None:
        """More may wait now than it holds."""
        waiting = sum(published.values()) - sum(self._next.values())
        self._may_lose = self._may_lose or waiting > self._capacity

    def cut_off(self) -> None:
        self._may_lose = True

    def take(self, item: Event | Gap) -> None:
        if isinstance(item, Gap):
            assert self._may_lose, f"told of a loss where {self._capacity} or fewer waited"
            self._lost_since = dict.fromkeys(self._lost_since, True)
            return
        origin, number = item.origin, item.seq
        if number < self._from[origin]:
            return  # published before it was entered, on its way for longer
        expected = self._next[origin]
        assert number >= expected, f"{origin} {number} again, or out of order"
        assert number == expected or self._lost_since[origin], (
            f"{origin} {expected} is missing, and nothing said"
        )
        self._next[origin] = number + 1
        self._lost_since[origin] = False

    def check_complete(self, published: dict[str, int]) -> None:
        for origin, count in published.items():
            assert self._next[origin] == count or self._lost_since[origin], f"{origin} ends too early"


class Play:
    def __init__(self, harness: Harness[EventBus], clients: Sequence[EventBus], number: int) -> None:
        self._harness = harness
        self._clients = clients
        self._origins = [f"{number} of {client}" for client in range(len(clients))]
        self._published = dict.fromkeys(self._origins, 0)
        self._listeners: list[Listener] = []
        self._witnesses: list[Subscription] = []

    async def run(self, steps: Sequence[Step]) -> None:
        async with AsyncExitStack() as stack:
            for bus in self._clients:
                self._witnesses.append(await stack.enter_async_context(bus.subscribe(capacity=AMPLE)))
            try:
                for step in steps:
                    await self._take(step)
                await self._finish()
            finally:
                for listener in self._listeners:
                    await listener.block.__aexit__(None, None, None)

    async def _take(self, step: Step) -> None:
        listeners = self._listeners
        match step:
            case Publish():
                await self._publish(step.client % len(self._clients), step.count)
            case Enter():
                await self._flush()  # What is on its way might reach whoever comes now, and fill its queue.
                block = self._clients[step.client % len(self._clients)].subscribe(capacity=step.capacity)
                subscription = await soon(block.__aenter__())
                listeners.append(Listener(block, subscription, step.capacity, self._published))
            case Read() if listeners:
                listener = listeners[step.which % len(listeners)]
                for _ in range(step.most):
                    item = listener.subscription.poll()
                    if item is None:
                        break
                    listener.take(item)
            case Abandon() if listeners:
                await self._abandon(listeners[step.which % len(listeners)], step)
            case Leave() if listeners:
                listener = listeners.pop(step.which % len(listeners))
                await listener.block.__aexit__(None, None, None)
                assert not listener.subscription.live
            case Cut():
                await self._cut(publishes=step.publishes)
            case _:
                pass

    async def _publish(self, client: int, count: int) -> None:
        origin = self._origins[client]
        first = self._published[origin]
        self._published[origin] += count
        for listener in self._listeners:
            listener.published(self._published)
        await soon(
            self._clients[client].publish([event(first + number, origin=origin) for number in range(count)])
        )

    async def _abandon(self, listener: Listener, step: Abandon) -> None:
        async with running(anext_of(listener.subscription)) as waiting:
            await turns(2)
            if step.publishes:
                await self._publish(0, 1)
            await turns(step.turns)
            item = await cancelled(waiting)
        if item is not None:
            listener.take(item)

    async def _cut(self, *, publishes: bool) -> None:
        for listener in self._listeners:
            listener.cut_off()
        await self._harness.sever()
        if publishes:
            with pytest.raises(Unavailable):
                await self._publish(0, 1)
        await self._harness.advance(1.0)
        await self._harness.heal()
        for subscription in (*self._witnesses, *(listener.subscription for listener in self._listeners)):
            await soon(self._revived(subscription))

    async def _revived(self, subscription: Subscription) -> None:
        """By whatever clock an adapter measures its pauses: the backend's moves, and real time passes."""
        async with running(become(subscription, live=True)) as reviving:
            while not reviving.done():
                await turns(10)
                await self._harness.advance(1.0)

    async def _flush(self) -> Event:
        """All that was published has come. The last event of all, by which that was seen."""
        marker = event(0)
        for client in (len(self._clients) - 1, 0):
            await self._publish(client, 1)
            marker = event(self._published[self._origins[client]] - 1, origin=self._origins[client])
            for witness in self._witnesses:
                await soon(take_until(witness, marker))
        return marker

    async def _finish(self) -> None:
        """Up to the last event each stream is whole, or says where it is not."""
        marker = await self._flush()
        for listener in self._listeners:
            for item in await soon(take_until(listener.subscription, marker)):
                listener.take(item)
            listener.check_complete(self._published)


async def anext_of(subscription: Subscription) -> Event | Gap:
    return await anext(subscription)


class BusExplored(Suite):
    @pytest.fixture
    def harness(self) -> Harness[EventBus]:
        raise NotImplementedError("override `harness` with one of your adapter")

    async def _wander(self, harness: Harness[EventBus], seed: int, *kinds: st.SearchStrategy[Step]) -> None:
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(harness.open())]
            if harness.capabilities.second_client:
                clients.append(await stack.enter_async_context(harness.second_client()))
            await explore(
                schedule(*kinds), seed, lambda number, steps: Play(harness, clients, number).run(steps)
            )

    @level("concurrent")
    async def test_bus_31_every_stream_adds_up(self, harness: Harness[EventBus], seed: int) -> None:
        """Subscribers come, read, are cancelled, overflow and go: each hears all in order, or of a loss."""
        await self._wander(harness, seed, *STEPS)

    @level("faulty")
    async def test_bus_32_also_over_outages(self, harness: Harness[EventBus], seed: int) -> None:
        """What was published around one arrives once, or a gap says so."""
        needs(harness, "sever")
        await self._wander(harness, seed, *STEPS, st.builds(Cut, st.booleans()))
