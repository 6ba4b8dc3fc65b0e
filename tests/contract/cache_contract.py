"""The Cache contract, complete: subclass `CacheContract` and override `harness`."""

from __future__ import annotations

from .cache_keeping import CacheHarness
from .cache_loading import CacheLoading

__all__ = ["CacheContract", "CacheHarness"]


class CacheContract(CacheLoading):
    """CACHE-01 to CACHE-22 are in `cache_keeping`, CACHE-31 to CACHE-46 in `cache_loading`."""
