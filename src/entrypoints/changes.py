"""Who wants to be told of what has changed, told in bursts: one subscription to the feed for all of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol, Self

import msgspec

from ..ports.errors import PortError, Unavailable
from ..ports.records import Gap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType

    from ..ports.clock import Clock
    from ..ports.event_bus import Subscription
    from ..ports.records import Event
    from .feed import Feed

PAUSE: Final = 0.05
"""Seconds after a burst in which what changes is gathered for the next: a busy scope is told of 20 times a second."""
_UNSEEN: Final = frozenset({"entry.embedded"})
"""Work of the memory on itself, by which nothing that anyone reads is different."""


class Burst(msgspec.Struct, frozen=True):
    """Where something has changed, and which entries, each with its scope. `lost`: there may have been more."""

    scopes: frozenset[str]
    subjects: dict[str, str]
    lost: bool = False


class Topic(Protocol):
    """What somebody wants to be told of. Equal ones are worked out once."""

    def changed(self, burst: Burst) -> tuple[str, ...]:
        """The names of what has changed of it."""
        ...

    def __hash__(self) -> int: ...


class Changes:
    """Reads the feed while somebody listens, and not otherwise."""

    def __init__(self, feed: Feed, clock: Clock) -> None:
        self._feed = feed
        self._clock = clock
        self._listeners: dict[Topic, dict[object, Callable[[Iterable[str]], None]]] = {}
        self._reading: tuple[asyncio.Task[None], asyncio.Future[None]] | None = None
        self._ending: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listeners.clear()
        self._stop_if_alone()
        if self._ending:
            await asyncio.wait(set(self._ending))

    @property
    def listening(self) -> bool:
        """Whether the feed is read."""
        return self._reading is not None

    async def listen(
        self, topics: Sequence[Topic], tell: Callable[[Iterable[str]], None]
    ) -> Callable[[], None]:
        """Every change committed from the return of this on is told, until what is returned is called; one committed a
        moment before may be. `tell` is called on the running loop and takes no time. `Unavailable` where the feed
        cannot be read now.
        """
        key = object()
        for topic in topics:
            self._listeners.setdefault(topic, {})[key] = tell

        def close() -> None:
            for topic in topics:
                tells = self._listeners.get(topic)
                if tells is not None and tells.pop(key, None) is not None and not tells:
                    del self._listeners[topic]
            self._stop_if_alone()

        try:
            # Others may wait for the same beginning.
            await asyncio.shield(self._begun())
        except BaseException:
            close()
            raise
        return close

    def _begun(self) -> asyncio.Future[None]:
        if self._reading is None:
            begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            task = asyncio.create_task(self._read(begun), name="changes for subscribers")
            task.add_done_callback(self._over)
            self._reading = task, begun
        return self._reading[1]

    def _stop_if_alone(self) -> None:
        if self._reading is not None and not self._listeners:
            task, _ = self._reading
            self._reading = None
            self._ending.add(task)
            task.cancel()

    def _over(self, task: asyncio.Task[None]) -> None:
        self._ending.discard(task)
        if self._reading is not None and self._reading[0] is task:
            self._reading = None

    async def _read(self, begun: asyncio.Future[None]) -> None:
        try:
            async with self._feed.subscribe() as subscription:
                if not begun.done():
                    begun.set_result(None)
                async for item in subscription:
                    self._tell(_burst(item, subscription))
                    await self._clock.sleep(PAUSE)
        except PortError as error:
            if not begun.done():
                begun.set_exception(error)
        finally:
            if not begun.done():
                begun.set_exception(Unavailable("changes are no longer read: the program ends"))
                begun.exception()  # whoever still waits gets it; that nobody does is no fault

    def _tell(self, burst: Burst) -> None:
        """Each listener once, whichever of its topics it is."""
        told: dict[object, tuple[Callable[[Iterable[str]], None], dict[str, None]]] = {}
        for topic, tells in self._listeners.items():
            changed = dict.fromkeys(topic.changed(burst))
            if changed:
                for key, tell in tells.items():
                    told.setdefault(key, (tell, {}))[1].update(changed)
        for tell, names in told.values():
            tell(names)


def _burst(item: Event | Gap | None, subscription: Subscription) -> Burst:
    """`item` and what waits behind it."""
    scopes: set[str] = set()
    subjects: dict[str, str] = {}
    lost = False
    while item is not None:
        if isinstance(item, Gap):
            lost = True
        elif item.kind not in _UNSEEN:
            scopes.add(item.scope)
            subjects[item.subject] = item.scope
        item = subscription.poll()
    return Burst(frozenset(scopes), subjects, lost)
