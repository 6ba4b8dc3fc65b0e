"""Where measuring begins, if it is wanted: where it is not, nothing is wrapped and nothing of it is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from .settings_metrics import is_measured

if TYPE_CHECKING:
    from ..ports.cache import Cache
    from ..ports.lock import Lock
    from ..ports.rate_limiter import RateLimiter
    from ..ports.storage import Storage
    from .mcp.application import Resources, Tools
    from .settings import Settings


class Measuring(Protocol):
    """Each method gives back what it was given, or the same with its calls measured."""

    def storage(self, storage: Storage) -> Storage: ...

    def lock(self, lock: Lock) -> Lock: ...

    def limiter(self, limiter: RateLimiter) -> RateLimiter: ...

    def cache(self, cache: Cache) -> Cache: ...

    def tools(self, tools: Tools) -> Tools: ...

    def resources(self, resources: Resources) -> Resources: ...


class Unmeasured:
    def storage(self, storage: Storage) -> Storage:
        return storage

    def lock(self, lock: Lock) -> Lock:
        return lock

    def limiter(self, limiter: RateLimiter) -> RateLimiter:
        return limiter

    def cache(self, cache: Cache) -> Cache:
        return cache

    def tools(self, tools: Tools) -> Tools:
        return tools

    def resources(self, resources: Resources) -> Resources:
        return resources


def make_measuring(settings: Settings) -> Measuring:
    if not is_measured(settings):
        return Unmeasured()
    from .observability.measures import Measures  # noqa: PLC0415 - where it is wanted

    return Measures(perf=settings.perf)
