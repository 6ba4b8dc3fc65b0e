"""The settings of the PostgreSQL shape."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..adapters.postgres.config import PostgresSettings, SslMode
from ..ports.errors import Misconfigured
from .setting import Setting, choice, number, path, seconds_from_millis

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from .settings import Settings

_LONGEST_MS = 86_400_000
_SSL_WORDS = {"true": "verify-full", "false": "disable"}


def postgres_settings(settings: Settings) -> PostgresSettings:
    return PostgresSettings(
        host=settings.pg_host,
        port=settings.pg_port,
        database=settings.pg_database,
        user=settings.pg_user,
        password=settings.pg_password,
        ssl=_ssl_mode(settings),
        ssl_root="" if settings.pg_ssl_root is None else str(settings.pg_ssl_root),
        pool_min=settings.pg_pool_min,
        pool_max=settings.pg_pool_max,
        idle_timeout=settings.pg_idle_timeout,
        connection_timeout=settings.pg_connection_timeout,
        statement_timeout=settings.pg_statement_timeout,
    )


@contextmanager
def postgres_driver_needed() -> Generator[None]:
    """Around the imports that load it: it is an extra."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        raise Misconfigured(
            "AGENT_MEMORY_DB_TYPE=postgresql needs the driver asyncpg: pip install 'agent-memory[postgres]'"
        ) from error


def _ssl_mode(settings: Settings) -> SslMode:
    if settings.pg_ssl != "auto":
        return settings.pg_ssl
    host = settings.pg_host
    at_home = host in {"localhost", "::1"} or host.startswith(("127.", "/"))
    return "disable" if at_home else "verify-full"


def _ssl(text: str) -> str:
    """Also the words of former programs: true and false."""
    modes = choice("auto", "disable", "require", "verify-ca", "verify-full", "true", "false")
    return _SSL_WORDS.get(modes(text), text.lower())


def _pem_file(text: str) -> Path:
    file = path(text)
    try:
        there = file.is_file()
    except OSError as error:  # a name that no file can have
        raise ValueError(error.strerror) from None
    if not there:
        raise ValueError("there is no such file")
    return file


POSTGRES_SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="PG_HOST",
        default="localhost",
        field="pg_host",
        read=str,
        meaning="PostgreSQL: the server's name or address, or the folder of its Unix socket",
    ),
    Setting(
        name="PG_PORT",
        default="5432",
        field="pg_port",
        read=number(1, 65535),
        meaning="PostgreSQL: the server's port",
    ),
    Setting(
        name="PG_DATABASE",
        default="agent_memory",
        field="pg_database",
        read=str,
        meaning="PostgreSQL: the database; it must exist, its tables are made in the schema agent_memory",
    ),
    Setting(
        name="PG_USER",
        default="agent_memory",
        field="pg_user",
        read=str,
        meaning="PostgreSQL: who logs in; may create a schema in the database, or owns it",
    ),
    Setting(
        name="PG_PASSWORD",
        default="",
        field="pg_password",
        read=str,
        secret=True,
        meaning="PostgreSQL: the user's password",
    ),
    Setting(
        name="PG_SSL",
        default="auto",
        field="pg_ssl",
        read=_ssl,
        meaning=(
            "PostgreSQL: disable (or false); require: encrypted, whoever answers; verify-ca: a certificate of a known "
            "authority; verify-full (or true): and of this host; auto: verify-full, and disable on this machine"
        ),
    ),
    Setting(
        name="PG_SSL_ROOT",
        default="",
        field="pg_ssl_root",
        read=_pem_file,
        meaning="PostgreSQL: a PEM file with the authorities to trust (default: those of the system)",
    ),
    Setting(
        name="PG_POOL_MIN",
        default="2",
        field="pg_pool_min",
        read=number(0, 1000),
        meaning="PostgreSQL: connections kept open though nobody needs them; never more than PG_POOL_MAX",
    ),
    Setting(
        name="PG_POOL_MAX",
        default="10",
        field="pg_pool_max",
        read=number(1, 1000),
        meaning="PostgreSQL: connections at most, besides two for events and file locks; further calls wait for one",
    ),
    Setting(
        name="PG_IDLE_TIMEOUT_MS",
        default="30000",
        field="pg_idle_timeout",
        read=seconds_from_millis(0, _LONGEST_MS),
        meaning="PostgreSQL: how long a connection beyond PG_POOL_MIN stays open unused (0: for ever)",
    ),
    Setting(
        name="PG_CONNECTION_TIMEOUT_MS",
        default="10000",
        field="pg_connection_timeout",
        read=seconds_from_millis(1, _LONGEST_MS),
        meaning="PostgreSQL: how long to try to connect, or to wait for a free connection",
    ),
    Setting(
        name="PG_STATEMENT_TIMEOUT_MS",
        default="30000",
        field="pg_statement_timeout",
        read=seconds_from_millis(0, _LONGEST_MS),
        meaning="PostgreSQL: how long the server works on one statement before it gives up (0: for ever)",
    ),
)
