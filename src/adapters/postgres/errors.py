"""Every error of server and driver, as what it means at a port."""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING

import asyncpg

from ...ports.errors import Conflict, Corrupt, Misconfigured, PortError, Rejected, Unavailable

if TYPE_CHECKING:
    from collections.abc import Generator

POOLER = "a pooler such as pgbouncer stands between: connect to PostgreSQL itself"

# By SQLSTATE, else by its class (the first two characters): PostgreSQL's documentation, appendix A.
_MEANING: dict[str, tuple[type[PortError], str]] = {
    "08": (Unavailable, "the connection was lost"),
    "08P01": (Misconfigured, POOLER),
    "22": (Rejected, "a value is out of range"),
    "23": (Rejected, "a value breaks a rule of the schema"),
    "23505": (Conflict, "another call wrote the same at the same time"),
    "25P03": (Unavailable, "a unit stayed idle for too long and was rolled back"),
    "25006": (Unavailable, "the server takes no writes (a standby?): set AGENT_MEMORY_PG_HOST to the primary"),
    "26000": (Misconfigured, POOLER),
    "28": (Misconfigured, "the server refused the login: check AGENT_MEMORY_PG_USER and AGENT_MEMORY_PG_PASSWORD"),
    "3D000": (Misconfigured, "the database does not exist: create it, or set AGENT_MEMORY_PG_DATABASE"),
    "40": (Unavailable, "too many calls changed the same at once"),
    "42": (Corrupt, "the database does not hold what its schema version says: restore a backup"),
    "42501": (Misconfigured, "the user may not do this: make it the owner of the database"),
    "42P05": (Misconfigured, POOLER),
    "3F": (Corrupt, "the schema agent_memory is gone: restore a backup"),
    "53": (Unavailable, "the server is out of a resource"),
    "53100": (Unavailable, "the server's disk is full"),
    "53300": (Unavailable, "too many connections: lower AGENT_MEMORY_PG_POOL_MAX or raise max_connections"),
    "54": (Rejected, "a value is too big"),
    "55P03": (Unavailable, "a lock was waited for in vain"),
    "57": (Unavailable, "the server is stopping or was told to stop this"),
    "57014": (Unavailable, "the statement took longer than AGENT_MEMORY_PG_STATEMENT_TIMEOUT_MS"),
    "57P03": (Unavailable, "the server is starting up or shutting down"),
    "58": (Unavailable, "the server failed to read or write"),
    "XX001": (Corrupt, "the server found damaged data: restore a backup"),
    "XX002": (Corrupt, "the server found a damaged index: rebuild it with REINDEX"),
}  # fmt: skip

_LOST = ("08", "57P", "25P03")


def port_error(error: Exception, store: str) -> Exception:
    """What to raise in its place. What is no error of data, server or driver comes back as it is."""
    kind, meaning = _meaning(error)
    if kind is None:
        return error
    said = str(error).partition("\n")[0]
    return kind(f"{store}: {meaning}" + (f" ({said})" if said else ""))


@contextmanager
def port_errors(store: str) -> Generator[None]:
    """Nothing but a `PortError` comes out, or what is no error of ours."""
    try:
        yield
    except PortError:
        raise
    except Exception as error:
        mapped = port_error(error, store)
        if mapped is error:
            raise
        raise mapped from error


def _meaning(error: Exception) -> tuple[type[PortError] | None, str]:
    match error:
        case asyncpg.PostgresError():
            state = error.sqlstate or ""
            return _MEANING.get(state) or _MEANING.get(state[:2], (Unavailable, "the server failed"))
        case asyncpg.exceptions.DataError() | UnicodeEncodeError() | OverflowError():
            return Rejected, "a value cannot be stored"
        case ssl.SSLError():
            return Misconfigured, "TLS failed: check AGENT_MEMORY_PG_SSL and the server's certificate"
        case ConnectionError() if "rejected SSL" in str(error):
            return (
                Misconfigured,
                "the server speaks no TLS: set AGENT_MEMORY_PG_SSL=disable, or enable it there",
            )
        case TimeoutError():
            return Unavailable, "no answer in time"
        case OSError():
            return (
                Unavailable,
                "the server cannot be reached: check AGENT_MEMORY_PG_HOST and AGENT_MEMORY_PG_PORT",
            )
        case asyncpg.InterfaceError() | asyncpg.InternalClientError():
            return Unavailable, "the connection is closed"
        case _:
            return None, ""


def is_lost(error: BaseException) -> bool:
    """The connection went away: whatever was not committed on it is undone."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(_LOST) and error.sqlstate != "08P01"
    return isinstance(error, (OSError, asyncpg.InterfaceError)) and not isinstance(
        error, (ssl.SSLError, ValueError)
    )


def is_undone(error: BaseException) -> bool:
    """The server rolled back because others were in the way: the same again may succeed.

    A unique key that another call has just taken is found, and answered, at the next try.
    """
    return (
        isinstance(error, asyncpg.PostgresError)
        and (error.sqlstate or "")[:2] in {"40", "23"}
        and (error.sqlstate in {"40001", "40P01", "23505"})
    )
