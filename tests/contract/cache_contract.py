"""The Cache contract, complete: subclass `CacheContract` and override `harness`."""

from __future__ import annotations

from .cache_explored import CacheExplored
from .cache_keeping import CacheHarness
from .forgetting import CacheForgetting

__all__ = ["CacheContract", "CacheHarness"]


class CacheContract(CacheExplored, CacheForgetting):
    """CACHE-01 to CACHE-24 are in `cache_keeping`, CACHE-31 to CACHE-50 in `cache_loading`,
    CACHE-51 to CACHE-53 in `cache_explored`, CACHE-61 in `forgetting`.
    """
