"""The settings of what is kept to be answered again."""

from __future__ import annotations

from .setting import Setting, number, seconds_from_millis

_LONGEST_MS = 86_400_000
_MOST_MB = 1_048_576

CACHE_SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="QUERY_CACHE_SIZE",
        default="1000",
        field="query_cache_size",
        read=number(0, 1_000_000),
        meaning="answers of recall and get kept at most, to be given again while nothing has changed (0: none)",
    ),
    Setting(
        name="QUERY_CACHE_MEMORY_MB",
        default="200",
        field="query_cache_memory_mb",
        read=number(1, _MOST_MB),
        meaning="megabytes that kept answers take at most",
    ),
    Setting(
        name="QUERY_CACHE_TTL_MS",
        default="300000",
        field="query_cache_ttl",
        read=seconds_from_millis(1, _LONGEST_MS),
        meaning="how long an answer is kept at most",
    ),
    Setting(
        name="SCOPE_CACHE_TTL_MS",
        default="600000",
        field="scope_cache_ttl",
        read=seconds_from_millis(1, _LONGEST_MS),
        meaning="how long it is remembered at most that a scope has not changed, before the store is asked again",
    ),
    Setting(
        name="CACHE_LIMIT_MB",
        default="512",
        field="cache_limit_mb",
        read=number(1, _MOST_MB),
        meaning="megabytes that everything kept in this process's memory takes at most; wins over the finer limit",
    ),
)
