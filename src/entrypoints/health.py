"""What `memory_health` and `agent-memory health` answer, in the fields that operators know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from .. import __version__
from ..ports.errors import PortError
from ..ports.scopes import ScopeFilter
from .query_cache import cache_figures

if TYPE_CHECKING:
    from .wiring import App


_NAMES = {"pool_size": "poolSize", "idle_connections": "idleConnections"}
"""Figures that operators know by another name."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """`status` is `unhealthy` when the database does not answer, `degraded` when something else needs care."""

    status: str
    version: str
    instance: str
    database: dict[str, Any]
    cache: dict[str, Any]
    entries: dict[str, Any]
    jobs: dict[str, Any]
    problems: tuple[str, ...] = ()


async def check_health(app: App, ceiling: str) -> Health:
    """Never raises `PortError`: what fails is what it reports."""
    storage = app.storage
    figures = {_NAMES.get(name, name): value for name, value in (await storage.health()).items()}
    database: dict[str, Any] = {"type": app.settings.db_type, **figures}
    entries: dict[str, Any] = {}
    jobs: dict[str, Any] = {}
    problems: list[str] = []
    try:
        database["schema"] = await storage.schema_version()
        stats = await storage.stats(ScopeFilter(scope=ceiling, descendants=True, ceiling=ceiling))
        entries = {
            "active": stats.entries,
            "by_kind": stats.by_kind,
            "by_state": stats.by_state,
            "scopes": stats.scopes,
        }
        waiting = await storage.job_stats()
        jobs = {"waiting": waiting.waiting, "leased": waiting.leased, "dead": waiting.dead}
        if waiting.dead:
            problems.append(f"{waiting.dead} jobs failed for good")
    except PortError as error:
        problems.append(f"{error.code}: {error}")
        database["connected"] = False
    status = "healthy" if not problems else "degraded" if database.get("connected") else "unhealthy"
    return Health(
        status=status,
        version=__version__,
        instance=app.instance,
        database=database,
        cache=cache_figures(app.query_cache.caches),
        entries=entries,
        jobs=jobs,
        problems=tuple(problems),
    )
