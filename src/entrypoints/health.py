"""What `memory_health` and `agent-memory health` answer, in the fields that operators know."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from .. import __version__
from ..core.caller import Caller
from ..ports.errors import PortError
from ..ports.scopes import GLOBAL, ScopeFilter
from .query_cache import cache_figures

if TYPE_CHECKING:
    from .wiring import App


_NAMES = {"pool_size": "poolSize", "idle_connections": "idleConnections"}
"""Figures that operators know by another name."""


_OF_EVERYBODY = frozenset({
    "size_bytes", "wal_bytes", "transactions", "transaction_retries", "waiting_writes", "waiting_reads",
})  # fmt: skip
"""Figures of the database that tell what goes on beyond a ceiling: for whom there is none."""
_PATIENCE = 2.0


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """`status` is `unhealthy` when the database does not answer, `degraded` when something else needs care.
    `breaker` and `redis` are for the shapes that have them, `vectorDb` unless there is no embedder.
    """

    status: str
    version: str
    instance: str
    database: dict[str, Any]
    cache: dict[str, Any]
    entries: dict[str, Any]
    jobs: dict[str, Any]
    locks: dict[str, Any]
    limiter: dict[str, Any]
    breaker: dict[str, Any] = {}
    vector_db: dict[str, Any] = msgspec.field(name="vectorDb", default_factory=dict[str, Any])
    redis: dict[str, Any] = {}
    problems: tuple[str, ...] = ()


async def check_health(app: App, ceiling: str) -> Health:
    """Never raises `PortError`: what fails is what it reports. The store is asked past its circuit breaker, so
    that what is said holds now. Under a ceiling nothing is counted that lies beyond it.
    """
    storage = app.store
    everybody = ceiling == GLOBAL
    figures = {
        _NAMES.get(name, name): value
        for name, value in (await storage.health()).items()
        if everybody or name not in _OF_EVERYBODY
    }
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
        if everybody:
            jobs = {"waiting": waiting.waiting, "leased": waiting.leased, "dead": waiting.dead}
        if waiting.dead:
            problems.append(f"{waiting.dead if everybody else 'some'} jobs failed for good")
    except PortError as error:
        problems.append(f"{error.code}: {error}")
        database["connected"] = False
    connected = bool(database.get("connected"))
    breaker = await _breaker(app, problems)
    # At once: one that does not answer is waited for once.
    asked = asyncio.gather(_redis(app), _locks_and_limiter(app, ceiling), _vectors(app, counted=everybody))
    (redis, of_redis), (locks, limiter, of_others), (vectors, of_vectors) = await asked
    problems += of_redis + of_others + of_vectors
    return Health(
        status="healthy" if not problems else "degraded" if connected else "unhealthy",
        version=__version__,
        instance=app.instance,
        database=database,
        cache=cache_figures(app.query_cache.caches),
        entries=entries,
        jobs=jobs,
        locks=locks,
        limiter=limiter,
        breaker=breaker,
        vector_db=vectors,
        redis=redis,
        problems=tuple(problems),
    )


async def _breaker(app: App, problems: list[str]) -> dict[str, Any]:
    if app.breaker is None:
        return {}
    now = await app.breaker.status()
    if now.state != "closed":
        wait = f", tried again in {now.retry_after:.0f} s" if now.retry_after else ""
        problems.append(f"circuit breaker {now.name} is {now.state}: calls are refused{wait}")
    return {"name": now.name, "state": now.state, "failures": now.failures, "retryAfter": now.retry_after}


async def _vectors(app: App, *, counted: bool) -> tuple[dict[str, Any], list[str]]:
    """Counted in this process's index, where it is loaded: looking loads nothing and asks no server. Not
    `counted` under a ceiling: the index is of the whole store.
    """
    model = app.search.model
    if model is None:
        return {}, []
    figures: dict[str, Any] = {"model": model.model, "dimension": model.dimension}
    try:
        async with asyncio.timeout(_PATIENCE):
            count = await app.search.vectors()
    except TimeoutError:
        count = None
    figures["loaded"] = count is not None
    if counted:
        figures["entries"] = 0 if count is None else count.entries
        figures["pending"] = 0 if count is None else count.pending
    if app.search.breaker is None:
        return figures, []
    now = await app.search.breaker.status()
    figures["server"] = app.settings.embedder_url
    figures["breaker"] = {"state": now.state, "failures": now.failures, "retryAfter": now.retry_after}
    if now.state == "closed" and not now.failures:
        return figures, []
    wait = (
        f", it is asked again in {now.retry_after:.0f} s" if now.state == "open" and now.retry_after else ""
    )
    problem = (
        f"embedding server {app.settings.embedder_url} did not answer (circuit breaker {now.state}{wait}): "
        "questions are answered by words and the static model"
    )
    return figures, [problem]


async def _redis(app: App) -> tuple[dict[str, Any], list[str]]:
    problems: list[str] = []
    return ({} if app.redis is None else await app.redis.figures(problems)), problems


async def _locks_and_limiter(app: App, ceiling: str) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """One after the other, as they may be behind one circuit breaker: it closes by what they find."""
    problems: list[str] = []
    locks = await _locks(app, ceiling, problems)
    return locks, await _limiter(app, problems), problems


async def _locks(app: App, ceiling: str, problems: list[str]) -> dict[str, Any]:
    """Asked where this process has used them, for looking must not open a file that is not needed; or where they are
    of a server, which may be away.
    """
    locks: dict[str, Any] = {"type": app.lock.capabilities.name, "shared": app.lock.capabilities.shared}
    if app.lock.opened or app.redis is not None:
        try:
            async with asyncio.timeout(_PATIENCE):
                locks["held"] = await app.file_locks.held(Caller(ceiling=ceiling))
        except (PortError, TimeoutError) as error:
            why = f"{error.code}: {error}" if isinstance(error, PortError) else "no answer in time"
            problems.append(f"file locks are refused: {why}")
    return locks


async def _limiter(app: App, problems: list[str]) -> dict[str, Any]:
    limits = app.limits
    if limits is None:
        return {"enabled": False}
    await limits.check()
    mode = limits.shared if limits.answers else app.settings.rate_fail_mode
    if not limits.answers:
        problems.append(f"rate limits cannot be counted together: {mode} for now ({limits.trouble})")
    return {"enabled": True, "mode": mode, "refused": limits.refused}
