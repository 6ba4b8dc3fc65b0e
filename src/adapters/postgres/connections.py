"""The pool: opened when entered, lent out one by one, given back whatever happened."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import asyncpg

from ...ports.errors import Unavailable
from .errors import port_errors
from .pgvector import know_type

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from asyncpg.pool import PoolConnectionProxy

    from .config import PostgresSettings

    Connection = PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]

SCHEMA = "agent_memory"
SEARCH_PATH = f"{SCHEMA}, public"
PLANNED = "SET LOCAL plan_cache_mode = force_custom_plan"
"""After five runs of a statement PostgreSQL may keep a plan made for no values in particular. Of a word or a vector
that it does not know it thinks too well: for a scope of a hundred entries it would read every entry with the word.
"""
SNAPSHOT = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {PLANNED}"

_STATEMENTS_KEPT = 512
_LONGEST_STATEMENT = 1 << 17
_CLOSING_SECONDS = 10.0
_IDLE_UNIT_SECONDS = 30.0


def server_name(settings: PostgresSettings) -> str:
    return f"postgresql {settings.host}:{settings.port}/{settings.database}"


def connect_arguments(settings: PostgresSettings, *, origin: str) -> dict[str, Any]:
    """What asyncpg.connect and asyncpg.create_pool take in common."""
    return {
        "host": settings.host,
        "port": settings.port,
        "database": settings.database,
        "user": settings.user,
        "password": settings.password or None,
        "ssl": ssl_context(settings),
        "timeout": settings.connection_timeout,
        # The server ends a long statement by itself; this is for a server that no longer answers at all.
        "command_timeout": settings.statement_timeout + 10 if settings.statement_timeout else None,
        "statement_cache_size": _STATEMENTS_KEPT,
        "max_cached_statement_lifetime": 0,
        "max_cacheable_statement_size": _LONGEST_STATEMENT,
        "server_settings": {
            "application_name": f"agent-memory {origin}",
            "search_path": SEARCH_PATH,
            "statement_timeout": str(round(settings.statement_timeout * 1000)),
            "idle_in_transaction_session_timeout": str(round(_IDLE_UNIT_SECONDS * 1000)),
            "jit": "off",
            # pgvector: go on past the first candidates until the filter has let enough of them through.
            "hnsw.iterative_scan": "strict_order",
            "hnsw.ef_search": "100",
        },
    }


def ssl_context(settings: PostgresSettings) -> ssl.SSLContext | bool:
    if settings.ssl == "disable":
        return False
    context = ssl.create_default_context(cafile=settings.ssl_root or None)
    context.check_hostname = settings.ssl == "verify-full"
    if settings.ssl == "require":
        context.verify_mode = ssl.CERT_NONE
    return context


class Connections:
    def __init__(self, settings: PostgresSettings, *, origin: str) -> None:
        self.name = server_name(settings)
        self._settings = settings
        self._origin = origin
        self._pool: Pool | None = None
        self._waiting = 0

    async def start(self, *, vectors: str | None) -> None:
        """`vectors`: the schema of pgvector's types, which each connection must then know."""
        pool = asyncpg.create_pool(
            **connect_arguments(self._settings, origin=self._origin),
            min_size=min(self._settings.pool_min, self._settings.pool_max),
            max_size=self._settings.pool_max,
            max_inactive_connection_lifetime=self._settings.idle_timeout,
            init=None if vectors is None else partial(know_type, schema=vectors),
            reset=_keep,
        )
        with port_errors(self.name):
            try:
                await pool
            except BaseException:
                pool.terminate()
                raise
        self._pool = pool

    async def close(self) -> None:
        """Waits for what was lent out, but not for ever."""
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                await asyncio.wait_for(pool.close(), _CLOSING_SECONDS)
            except TimeoutError:
                pool.terminate()

    @asynccontextmanager
    async def lend(self) -> AsyncGenerator[Connection]:
        """An open transaction on it is rolled back when it comes back."""
        pool = self._pool
        if pool is None:
            raise Unavailable(f"{self.name}: not open")
        connection = await self._acquire(pool)
        try:
            yield connection
        finally:
            # Whoever was cancelled is not kept waiting, and the connection comes back all the same.
            await asyncio.shield(_give_back(pool, connection))

    async def _acquire(self, pool: Pool) -> Connection:
        self._waiting += 1
        with port_errors(self.name):
            try:
                return await pool.acquire(timeout=self._settings.connection_timeout)
            except TimeoutError as error:
                if pool.get_idle_size() or pool.get_size() < self._settings.pool_max:
                    raise
                raise Unavailable(
                    f"{self.name}: all {self._settings.pool_max} connections are in use (AGENT_MEMORY_PG_POOL_MAX)"
                ) from error
            finally:
                self._waiting -= 1

    def figures(self) -> dict[str, object]:
        pool = self._pool
        if pool is None:
            return {"pool_size": 0, "idle_connections": 0, "waiting_connections": 0}
        return {
            "pool_size": pool.get_size(),
            "idle_connections": pool.get_idle_size(),
            "waiting_connections": self._waiting,
        }


async def _give_back(pool: Pool, connection: Connection) -> None:
    try:
        if not connection.is_closed() and connection.is_in_transaction():
            await connection.execute("ROLLBACK", timeout=_CLOSING_SECONDS)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        # The server rolls back what belongs to a connection that is gone, or goes now.
        with suppress(asyncpg.InterfaceError):
            connection.terminate()
    finally:
        await pool.release(connection)


async def _keep(_: object) -> None:
    """Nothing that we do outlives its transaction; asyncpg's own reset would cost a round trip a loan."""
