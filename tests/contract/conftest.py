"""Adapters whose driver is not installed are left out."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("asyncpg") else ["*_postgres.py"]
