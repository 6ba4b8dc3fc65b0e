"""Cache: answers worth keeping for a while.

Promises. Never another key's value; never a value older than its ttl; never a value that was deleted or
cleared before the read began. `load` runs its loader once per key however many ask at once, hands the result or the
error to all of them, caches no error, and outlives a caller that is cancelled as long as another waits.

Not promised. That anything put is still there. Failure of a backend is a miss (counted), never an error: no method
raises `PortError`, save `Rejected` for a ttl that is not positive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, Self

import msgspec

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType


class CacheCapabilities(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    shared: Literal["process", "host", "network"]


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
