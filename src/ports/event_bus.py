"""EventBus: what changed, told to every live subscriber.

Promises. Each subscriber gets the events of one publisher in the order published, each at most once, from the moment
its block is entered. What may have been lost (its bounded queue overflowed, the connection was renewed) is announced
by a `Gap` in the place of the loss. A slow or failing subscriber delays neither publisher nor others. An adapter
reconnects by itself, for ever, with back-off. Who left takes no room.

Not promised. Delivery to anyone not subscribed at that moment; order between publishers. Work never rides on the bus
alone: the bus wakes, the store decides.

Errors: `publish` raises `Unavailable` when the backend refused; local subscribers are told then by `Gap`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, Self

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from .records import Event, Gap


class EventBusCapabilities(msgspec.Struct, frozen=True, kw_only=True):
    """`max_payload`: bytes an event's payload may have in transit; larger ones arrive empty, to be read by seq
    (None: no limit).
    """

    name: str
    shared: Literal["process", "host", "network"]
    max_payload: int | None = None


class Subscription(Protocol):
    """An endless iterator; one consumer. It ends (StopAsyncIteration) when the bus is closed or its block left."""

    def __aiter__(self) -> Subscription: ...

    async def __anext__(self) -> Event | Gap:
        """A cancelled wait takes nothing from the queue."""
        ...

    def poll(self) -> Event | Gap | None:
        """What iterating would give at once; None where it would wait or end."""
        ...

    @property
    def live(self) -> bool:
        """Whether events come. False from when the backend is known to be away, and after the end. Where it has been
        away, a `Gap` is in the queue before this is true again.
        """
        ...


class EventBus(Protocol):
    @property
    def capabilities(self) -> EventBusCapabilities: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def publish(self, events: Sequence[Event]) -> None:
        """In this order. Returns once the backend has them; the publisher's own subscribers get them too."""
        ...

    def subscribe(self, *, capacity: int = 1024) -> AbstractAsyncContextManager[Subscription]:
        """`capacity` bounds the events that wait; on overflow those waiting are dropped for one `Gap`."""
        ...
