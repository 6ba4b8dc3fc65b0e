"""What an adapter says of itself, so that the program can choose it and the certification kit can try it.

A package names a descriptor under the entry-point group of its port (`GROUPS`), by the name that the settings choose it
by: `[project.entry-points."agent_memory.lock"]`, `acme = "acme_memory:LOCK"`. Loading one must be cheap: `make` imports
what it needs when it is called, and `harness` is text, which only the kit follows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar, Final

import msgspec

from .blobs import BlobStore
from .cache import Cache, CacheCapabilities
from .circuit_breaker import CircuitBreaker, CircuitBreakerCapabilities, Thresholds
from .clock import Clock
from .embedder import Embedder, EmbedderCapabilities
from .event_bus import EventBus, EventBusCapabilities
from .lock import Lock, LockCapabilities
from .rate_limiter import RateLimiter, RateLimiterCapabilities
from .storage import Storage, StorageCapabilities

CONTRACTS: Final[Mapping[str, int]] = {
    "storage": 1,
    "cache": 1,
    "lock": 1,
    "event_bus": 1,
    "rate_limiter": 1,
    "circuit_breaker": 1,
    "embedder": 1,
    "blob_store": 1,
}
"""By port, the version of its contract. It grows when an adapter that kept all promises may no longer: a method or a
duty is added, or a meaning changes. More clauses for the same promises do not change it.
"""

GROUPS: Final[Mapping[str, str]] = {port: f"agent_memory.{port}" for port in CONTRACTS}


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What a factory is told.

    `text` is the setting as given: a name (`acme`) or an address (`acme://user:secret@host:80/path?option=value`),
    taken apart in the fields after it (percent signs decoded; `port` 0 and the others empty where there is nothing). An
    option that the adapter does not know is `Misconfigured`: `refuse_other_options`.

    `instance` names this process among those that share a backend. `folder` is the data folder, there or not.
    `program` is how the whole program is set, for the adapters that come with it.
    """

    text: str
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = ""
    path: str = ""
    options: Mapping[str, str] = {}
    clock: Clock
    instance: str
    folder: str
    program: Any = None

    def refuse_other_options(self, *known: str) -> None:
        """`Misconfigured` for an option that is none of `known`."""
        for option in self.options:
            if option not in known:
                from .errors import Misconfigured  # noqa: PLC0415 - only a mistake needs it

                name = self.text.partition(":")[0]
                allowed = f"one of {', '.join(known)}" if known else "it has none"
                raise Misconfigured(f"{name}: option {option!r} is not known ({allowed})")


class CacheSetup(Setup, frozen=True, kw_only=True):
    """How much of this process's memory the cache may take; one that keeps nothing there has no use for it."""

    max_bytes: int
    max_entries: int


class BreakerSetup(Setup, frozen=True, kw_only=True):
    """`name` is the circuit's: of the backend that it stands before."""

    name: str
    thresholds: Thresholds


class Adapter(msgspec.Struct, frozen=True, kw_only=True):
    """`contract`: the version of the port's contract (`CONTRACTS`) that this was written for. `summary`: a line for
    people. `needs`: modules that must be installed for `make` to succeed.

    `harness`: `module:function`. The kit calls it with a `Bench` and gets an async context manager of a `Harness`, one
    fresh, empty backend. It may stand in a module that needs the kit, as nothing else loads it.

    `make` gives the adapter, not entered yet, or any async context manager of it. `Misconfigured` where the setup
    cannot be meant; a backend that is away is `Unavailable`, when entered or later.
    """

    port: ClassVar[str] = ""

    contract: int
    summary: str
    capabilities: Any
    make: Callable[[Any], AbstractAsyncContextManager[Any]]
    harness: str
    needs: tuple[str, ...] = ()


class StorageAdapter(Adapter, frozen=True, kw_only=True):
    port: ClassVar[str] = "storage"

    capabilities: StorageCapabilities
    make: Callable[[Setup], AbstractAsyncContextManager[Storage]]


class CacheAdapter(Adapter, frozen=True, kw_only=True):
    port: ClassVar[str] = "cache"

    capabilities: CacheCapabilities
    make: Callable[[CacheSetup], AbstractAsyncContextManager[Cache]]


class LockAdapter(Adapter, frozen=True, kw_only=True):
    port: ClassVar[str] = "lock"

    capabilities: LockCapabilities
    make: Callable[[Setup], AbstractAsyncContextManager[Lock]]


class EventBusAdapter(Adapter, frozen=True, kw_only=True):
    port: ClassVar[str] = "event_bus"

    capabilities: EventBusCapabilities
    make: Callable[[Setup], AbstractAsyncContextManager[EventBus]]


class RateLimiterAdapter(Adapter, frozen=True, kw_only=True):
    port: ClassVar[str] = "rate_limiter"

    capabilities: RateLimiterCapabilities
    make: Callable[[Setup], AbstractAsyncContextManager[RateLimiter]]


class CircuitBreakerAdapter(Adapter, frozen=True, kw_only=True):
    port: ClassVar[str] = "circuit_breaker"

    capabilities: CircuitBreakerCapabilities
    make: Callable[[BreakerSetup], AbstractAsyncContextManager[CircuitBreaker]]


class EmbedderAdapter(Adapter, frozen=True, kw_only=True):
    """`capabilities` is None where they depend on the model that the settings name."""

    port: ClassVar[str] = "embedder"

    capabilities: EmbedderCapabilities | None
    make: Callable[[Setup], AbstractAsyncContextManager[Embedder]]


class BlobStoreAdapter(Adapter, frozen=True, kw_only=True):
    """The port has no capabilities: what it promises all of them do."""

    port: ClassVar[str] = "blob_store"

    capabilities: None = None
    make: Callable[[Setup], AbstractAsyncContextManager[BlobStore]]


DESCRIPTORS: Final[Mapping[str, type[Adapter]]] = {
    kind.port: kind
    for kind in (
        StorageAdapter,
        CacheAdapter,
        LockAdapter,
        EventBusAdapter,
        RateLimiterAdapter,
        CircuitBreakerAdapter,
        EmbedderAdapter,
        BlobStoreAdapter,
    )
}
