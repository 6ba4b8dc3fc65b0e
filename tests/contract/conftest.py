"""Adapters whose driver is not installed are left out."""

from __future__ import annotations

from importlib.util import find_spec

_DRIVERS = {"asyncpg": "*_postgres.py", "redis": "*_redis.py"}

collect_ignore_glob = [pattern for driver, pattern in _DRIVERS.items() if not find_spec(driver)]
