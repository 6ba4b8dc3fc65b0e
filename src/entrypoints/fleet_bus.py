"""The events of a fleet: the outbox says what has changed, Redis says when to look.

Each process reads the outbox, in commit order, and tells its own subscribers. What it committed itself it publishes to
the others, for whom that is the moment to read. Nothing depends on a message: one that is lost, or that a process died
before it could send, is found by looking anyway, four times a second, and twenty times while Redis is away.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Self

from ..ports.errors import PortError, Rejected, Unavailable
from ..ports.event_bus import EventBusCapabilities
from ..ports.event_queue import EventQueue
from ..ports.records import Gap

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from types import TracebackType

    from ..ports.clock import Clock
    from ..ports.event_bus import EventBus, Subscription
    from ..ports.records import Event
    from ..ports.storage import Storage
    from .logs import Log

_BATCH = 500
_POLL_SECONDS = 0.25
_POLL_SECONDS_ALONE = 0.05
_POLL_SECONDS_FAILING = 1.0
_CURRENT_SECONDS = 1.0
"""How long the last look holds: what is older is not known to be the present."""
_PARTING_SECONDS = 0.5
_WAITING_AT_MOST = 4096


class FleetBus:
    """An `EventBus` whose events are those of `storage`, whoever wrote them, each once and in commit order."""

    def __init__(
        self,
        storage: Storage,
        others: EventBus,
        *,
        clock: Clock,
        log: Log,
        instance: str,
        hears: Callable[[], bool] | None = None,
    ) -> None:
        """`hears`: whether what others publish arrives, as far as is known (left out: as a subscription says)."""
        self._storage = storage
        self._others = others
        self._clock = clock
        self._log = log
        self._instance = instance
        self._heard: Subscription | None = None
        self._hears = self._is_hearing if hears is None else hears
        self._after = 0
        self._current_until = 0.0
        self._queues: dict[EventQueue, None] = {}
        self._look = asyncio.Event()
        self._owed: deque[Event] = deque(maxlen=_WAITING_AT_MOST)
        self._owes = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._closed = True

    @property
    def capabilities(self) -> EventBusCapabilities:
        return EventBusCapabilities(name="fleet", shared="network")

    async def __aenter__(self) -> Self:
        asked = self._clock.monotonic()
        self._after = await self._storage.outbox_head()
        self._current_until = asked + _CURRENT_SECONDS
        self._closed = False
        self._tasks = [
            asyncio.create_task(work, name=f"events {self._instance}")
            for work in (self._read(), self._listen(), self._tell_others())
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """What was committed last is still told to the others, where that takes no time."""
        self._closed = True
        running = set(self._tasks)
        while running:  # again, should what they wait for have taken the first one for its own
            for task in running:
                task.cancel()
            _, running = await asyncio.wait(running, timeout=_PARTING_SECONDS)
        for queue in self._queues:
            queue.close()
        if self._hears() and (self._look.is_set() or self._owed):
            with suppress(PortError, TimeoutError):
                async with asyncio.timeout(_PARTING_SECONDS):
                    await self._catch_up()
                    await self._others.publish(tuple(self._owed))

    def committed(self) -> None:
        """This process has: look at once."""
        self._look.set()

    async def publish(self, events: Sequence[Event]) -> None:
        """To the other processes. What subscribers here get stands in the outbox."""
        await self._others.publish(events)

    @asynccontextmanager
    async def subscribe(self, *, capacity: int = 1024) -> AsyncGenerator[Subscription]:
        if capacity < 1:
            raise Rejected(f"capacity {capacity}: not allowed (1 or more)", "capacity")
        if self._closed:
            raise Unavailable("event bus: closed")
        queue = EventQueue(capacity, reachable=self._is_current)
        self._queues[queue] = None
        try:
            yield queue
        finally:
            self._queues.pop(queue, None)
            queue.close()

    def _is_hearing(self) -> bool:
        return self._heard is not None and self._heard.live

    def _is_current(self) -> bool:
        """Whether what was committed a moment ago has been seen. After an outage: once all is read."""
        return self._current_until > self._clock.monotonic()

    async def _read(self) -> None:
        failing = False
        while True:
            self._look.clear()
            asked = self._clock.monotonic()
            try:
                await self._catch_up()
            except PortError:
                if not failing:
                    self._log.warning("events wait for the store", exc_info=True)
                failing = True
            else:
                failing = False
                self._current_until = asked + _CURRENT_SECONDS
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience(failing=failing)):
                    await self._look.wait()

    def _patience(self, *, failing: bool) -> float:
        if failing:
            return _POLL_SECONDS_FAILING
        return _POLL_SECONDS if self._hears() else _POLL_SECONDS_ALONE

    async def _catch_up(self) -> None:
        while events := await self._storage.outbox(self._after, limit=_BATCH):
            self._after = events[-1].seq
            for queue in self._queues:
                for event in events:
                    queue.offer(event)
            own = [event for event in events if event.origin == self._instance]
            if own:
                self._owed.extend(own)
                self._owes.set()

    async def _listen(self) -> None:
        while True:
            with suppress(PortError):
                async with self._others.subscribe() as heard:
                    self._heard = heard
                    async for item in heard:
                        if isinstance(item, Gap) or item.seq > self._after:
                            self._look.set()
            await asyncio.sleep(_POLL_SECONDS_FAILING)

    async def _tell_others(self) -> None:
        """Apart from reading, which must not wait for Redis. What it does not take others find for themselves."""
        while True:
            await self._owes.wait()
            self._owes.clear()
            events = tuple(self._owed)
            with suppress(PortError):
                await self._others.publish(events)
            for _ in events:
                self._owed.popleft()
