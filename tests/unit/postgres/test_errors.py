"""What the errors of server and driver mean at a port."""

from __future__ import annotations

import ssl

import asyncpg
import pytest

from agent_memory.adapters.postgres.errors import is_lost, is_undone, port_error, port_errors
from agent_memory.ports.errors import Conflict, Corrupt, Misconfigured, PortError, Rejected, Unavailable

E = asyncpg.exceptions

MEANINGS: list[tuple[Exception, type[PortError]]] = [
    (E.SerializationError("could not serialize"), Unavailable),
    (E.DeadlockDetectedError("deadlock"), Unavailable),
    (E.QueryCanceledError("statement timeout"), Unavailable),
    (E.AdminShutdownError("terminating"), Unavailable),
    (E.CannotConnectNowError("starting up"), Unavailable),
    (E.ConnectionDoesNotExistError("closed"), Unavailable),
    (E.DiskFullError("no space"), Unavailable),
    (E.TooManyConnectionsError("too many"), Unavailable),
    (E.ReadOnlySQLTransactionError("read-only"), Unavailable),
    (E.IdleInTransactionSessionTimeoutError("idle"), Unavailable),
    (E.UniqueViolationError("duplicate key"), Conflict),
    (E.CheckViolationError("check"), Rejected),
    (E.ProgramLimitExceededError("index row size"), Rejected),
    (E.CharacterNotInRepertoireError("invalid byte"), Rejected),
    (E.InvalidPasswordError("password authentication failed"), Misconfigured),
    (E.InvalidCatalogNameError("database does not exist"), Misconfigured),
    (E.InsufficientPrivilegeError("permission denied"), Misconfigured),
    (E.DuplicatePreparedStatementError("already exists"), Misconfigured),
    (E.InvalidSQLStatementNameError("does not exist"), Misconfigured),
    (E.ProtocolViolationError("unsupported startup parameter: search_path"), Misconfigured),
    (E.UndefinedTableError("no such table"), Corrupt),
    (E.DataCorruptedError("invalid page"), Corrupt),
    (E.InterfaceError("connection is closed"), Unavailable),
    (E.DataError("value out of int64 range"), Rejected),
    (ConnectionRefusedError("refused"), Unavailable),
    (OSError("no route to host"), Unavailable),
    (TimeoutError(), Unavailable),
    (ssl.SSLCertVerificationError("self-signed certificate"), Misconfigured),
    (ConnectionError('PostgreSQL server at "x" rejected SSL upgrade'), Misconfigured),
    (OverflowError("int too big"), Rejected),
]


@pytest.mark.parametrize(
    ("error", "kind"), MEANINGS, ids=lambda value: getattr(value, "__name__", type(value).__name__)
)
def test_each_has_one_meaning(error: Exception, kind: type[PortError]) -> None:
    mapped = port_error(error, "postgresql here")
    assert type(mapped) is kind
    assert str(mapped).startswith("postgresql here: ")
    assert "\n" not in str(mapped)


def test_a_bug_stays_a_bug() -> None:
    bug = ValueError("ours")
    assert port_error(bug, "here") is bug
    with pytest.raises(ValueError, match="ours"), port_errors("here"):
        raise bug


def test_the_cause_is_kept() -> None:
    cause = E.DiskFullError("no space left\nDETAIL: much")
    with pytest.raises(Unavailable) as raised, port_errors("here"):
        raise cause
    assert raised.value.__cause__ is cause


def test_what_the_server_undid_may_be_done_again() -> None:
    again = [E.SerializationError, E.DeadlockDetectedError, E.UniqueViolationError]
    assert all(is_undone(kind("x")) for kind in again)
    assert not any(
        is_undone(kind("x")) for kind in (E.AdminShutdownError, E.CheckViolationError, E.QueryCanceledError)
    )


def test_lost_connections_are_told_from_refused_values() -> None:
    assert all(
        is_lost(e) for e in (E.AdminShutdownError("x"), E.InterfaceError("closed"), ConnectionResetError())
    )
    assert not any(is_lost(e) for e in (E.DataError("x"), E.QueryCanceledError("x"), ssl.SSLError("x")))
