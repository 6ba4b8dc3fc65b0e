"""Cache: answers worth keeping for a while.

Promises. Never another key's value; never a value older than its ttl; never a value that was deleted, cleared or
replaced before the read began (by another client: more than `lag` seconds before it). That holds for a change made
while the backend was away, too: once it is back, the value is gone. `load` runs its loader once per key however many
ask at once, hands the result or the error to all of them, caches no error, and outlives a caller that is cancelled as
long as another waits. What another client is loading is waited for, and not loaded again. Leaving cancels the loads
begun here and waits for them, within reason (seconds): what their loaders clean up has been done then. What is over
takes no room in this process.

Not promised. That anything put is still there; that a load in another client is waited for to its end, however long it
takes. Failure of a backend is a miss (counted), never an error: no method raises `PortError`, save `Rejected` for a ttl
that is not positive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, Self

import msgspec

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType


class CacheCapabilities(msgspec.Struct, frozen=True, kw_only=True):
    """`lag`: seconds after which a change by one client is seen by all others (0: at once)."""

    name: str
    shared: Literal["process", "host", "network"]
    lag: float = 0.0


class CacheStats(msgspec.Struct, frozen=True, kw_only=True):
    """`bytes` counts keys and values as stored; `failures` backend errors answered as misses."""

    entries: int
    bytes: int
    hits: int
    misses: int
    evictions: int
    failures: int


class Cache(Protocol):
    @property
    def capabilities(self) -> CacheCapabilities: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def get(self, key: str) -> bytes | None: ...

    async def put(self, key: str, value: bytes, *, ttl: float) -> None:
        """A value larger than the whole cache is not kept, and evicts nothing but the key's own former value."""
        ...

    async def delete(self, key: str) -> None: ...

    async def clear(self, *, prefix: str = "") -> None:
        """A `load` under way during it does not put its result, and nobody who asks later joins it."""
        ...

    async def load(self, key: str, loader: Callable[[], Awaitable[bytes]], *, ttl: float) -> bytes:
        """The cached value, else the loader's, put under `ttl`."""
        ...

    def stats(self) -> CacheStats: ...
