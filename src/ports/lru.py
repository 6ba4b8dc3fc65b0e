"""Bytes by key, for adapters of the cache: bounded in size and time; the least recently used go first.

Plain data: time is passed in.
"""

from __future__ import annotations

from collections import OrderedDict

from .cache import CacheStats


class LruStore:
    """`max_bytes` bounds keys and values as UTF-8 and bytes, `max_entries` what Python adds to each (about 200 B)."""

    def __init__(self, *, max_bytes: int, max_entries: int) -> None:
        self._max_bytes = max_bytes
        self._max_entries = max_entries
        self._kept: OrderedDict[str, tuple[bytes, float, int]] = OrderedDict()
        self._bytes = 0
        self._hits = 0
        self._misses = 0
        self._evictions = 0

    def get(self, key: str, now: float) -> bytes | None:
        found = self._kept.get(key)
        if found is None:
            self._misses += 1
            return None
        value, until, size = found
        if until <= now:
            del self._kept[key]
            self._bytes -= size
            self._misses += 1
            return None
        self._kept.move_to_end(key)
        self._hits += 1
        return value

    def put(self, key: str, value: bytes, until: float) -> None:
        self.delete(key)
        size = len(value) + (len(key) if key.isascii() else len(key.encode("utf-8", "surrogatepass")))
        if size > self._max_bytes or self._max_entries < 1:
            return
        self._kept[key] = (value, until, size)
        self._bytes += size
        while self._bytes > self._max_bytes or len(self._kept) > self._max_entries:
            _, (_, _, freed) = self._kept.popitem(last=False)
            self._bytes -= freed
            self._evictions += 1

    def delete(self, key: str) -> None:
        found = self._kept.pop(key, None)
        if found is not None:
            self._bytes -= found[2]

    def clear(self, prefix: str) -> None:
        if not prefix:
            self._kept.clear()
            self._bytes = 0
            return
        for key in [k for k in self._kept if k.startswith(prefix)]:
            self.delete(key)

    def stats(self) -> CacheStats:
        """What ran out counts until a read or an eviction meets it: it still takes room."""
        return CacheStats(
            entries=len(self._kept),
            bytes=self._bytes,
            hits=self._hits,
            misses=self._misses,
            evictions=self._evictions,
            failures=0,
        )
