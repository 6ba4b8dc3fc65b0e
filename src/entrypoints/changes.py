"""Who wants to be told of what has changed, told in bursts: one subscription to the feed for all of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, Final, Protocol, Self

import msgspec

from ..ports.changes import end_of
from ..ports.errors import PortError, Unavailable
from ..ports.queries import Sweep
from ..ports.records import Gap
from ..ports.scopes import ScopeFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType

    from ..ports.clock import Clock
    from ..ports.event_bus import Subscription
    from ..ports.records import Event
    from ..ports.storage import Reader
    from .feed import Feed

PAUSE: Final = 0.05
"""Seconds after a burst in which what changes is gathered for the next: a busy scope is told of 20 times a second."""
_LOOKED_UP: Final = 64
"""Entries of a burst whose tags are looked up, and how many versions of them there may be."""
_VERSIONS: Final = 256
_EVERYWHERE: Final = ScopeFilter(descendants=True)
_UNSEEN: Final = frozenset({"entry.embedded"})
"""Work of the memory on itself, by which nothing that anyone reads is different."""


class Tie(msgspec.Struct, frozen=True):
    """A relation that came or went: its ends, each with its scope."""

    source: str
    source_scope: str
    target: str
    target_scope: str


class Burst(msgspec.Struct, frozen=True):
    """Where something has changed, and which entries, each with its scope. `lost`: there may have been more.

    `touched`: the first version of each entry that was written. `tags`: those that entries carry that were written, or
    carried until then, each with its scope. `any_tag`: where it may have been any.
    """

    scopes: frozenset[str]
    subjects: dict[str, str]
    lost: bool = False
    ties: frozenset[Tie] = frozenset()
    touched: dict[str, int] = {}
    tags: frozenset[tuple[str, str]] = frozenset()
    any_tag: frozenset[str] = frozenset()


class Topic(Protocol):
    """What somebody wants to be told of. Equal ones are worked out once. `by_tags`: it has to know of a burst's."""

    by_tags: ClassVar[bool]

    def changed(self, burst: Burst) -> tuple[str, ...]:
        """The names of what has changed of it."""
        ...

    def __hash__(self) -> int: ...


class Changes:
    """Reads the feed while somebody listens, and not otherwise. `storage`: where the tags of entries are."""

    def __init__(self, feed: Feed, clock: Clock, storage: Reader) -> None:
        self._feed = feed
        self._clock = clock
        self._storage = storage
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
                    burst = burst_of(item, subscription)
                    if burst.touched and any(topic.by_tags for topic in self._listeners):
                        burst = await with_tags(burst, self._storage)
                    self._tell(burst)
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


def burst_of(item: Event | Gap | None, subscription: Subscription) -> Burst:
    """`item` and what waits behind it."""
    scopes: set[str] = set()
    subjects: dict[str, str] = {}
    ties: set[Tie] = set()
    touched: dict[str, int] = {}
    gone: set[str] = set()
    lost = False
    while item is not None:
        if isinstance(item, Gap):
            lost = True
        elif item.kind not in _UNSEEN:
            scopes.add(item.scope)
            end = end_of(item.payload) if item.kind.startswith("relation.") else None
            if end is not None:
                ties.add(Tie(item.subject, item.scope, *end))
            elif item.kind.startswith(("entry.", "relation.")):  # a question may be called like an entry
                subjects[item.subject] = item.scope
            if item.kind == "entry.purged":
                gone.add(item.scope)
            elif item.kind.startswith("entry."):
                touched[item.subject] = min(item.version, touched.get(item.subject, item.version))
        item = subscription.poll()
    return Burst(frozenset(scopes), subjects, lost, frozenset(ties), touched, any_tag=frozenset(gone))


async def with_tags(burst: Burst, storage: Reader) -> Burst:
    """Of many entries at once, and where the store does not answer, it is said that it may have been any."""
    if len(burst.touched) <= _LOOKED_UP:
        try:
            sweep = Sweep(where=_EVERYWHERE, limit=_VERSIONS)
            page = await storage.sweep_versions(sweep, ids=list(burst.touched))
        except PortError:
            page = None
        if page is not None and page.cursor is None:
            tags = {
                (revision.entry.scope, tag)
                for revision in page.items
                if revision.entry.version >= burst.touched[revision.entry.id] - 1
                for tag in revision.entry.tags
            }
            return msgspec.structs.replace(burst, tags=frozenset(tags))
    anywhere = {burst.subjects[entry] for entry in burst.touched}
    return msgspec.structs.replace(burst, any_tag=burst.any_tag | anywhere)
