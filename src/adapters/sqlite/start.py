"""Opening a file for writing: safe for the first of many processes as for the last."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from typing import TYPE_CHECKING, NamedTuple

from ...ports.errors import Corrupt, Misconfigured
from .connection import Synchronous, begin, connect, is_busy, tune

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_CHECKPOINT_PAGES = 4000
_WAL_BYTES_KEPT = 32 << 20


class Schema(NamedTuple):
    """`migrations` holds `NNNN_subject.sql`, applied in order. The application id marks our files in their header."""

    migrations: Path
    application_id: int

    def steps(self) -> list[tuple[int, Path]]:
        return sorted((int(file.name.split("_", 1)[0]), file) for file in self.migrations.glob("*.sql"))


def open_writer(
    path: Path, schema: Schema, *, synchronous: Synchronous, busy_timeout: float
) -> sqlite3.Connection:
    """A connection to a file that exists, is ours and has the newest schema."""
    _create(path)
    connection = connect(path, 0.0)
    try:
        try:
            current = _retried(lambda: _is_current(connection, path, schema), busy_timeout)
        except sqlite3.DatabaseError as error:
            if is_busy(error) or isinstance(error, sqlite3.OperationalError):
                raise
            raise Corrupt(
                f"{path}: not an SQLite database, or damaged ({error}); restore a backup"
            ) from error
        connection.execute(f"PRAGMA synchronous={synchronous}")
        if not current:
            # Room to give pages back later; it can be chosen only while the file is empty.
            _retried(lambda: connection.execute("PRAGMA auto_vacuum=INCREMENTAL"), busy_timeout)
            _retried(lambda: connection.execute("PRAGMA journal_mode=WAL"), busy_timeout)
            for number, file in schema.steps():
                begin(connection, busy_timeout)
                _migrate(connection, path, schema, number, file)
        connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit={_WAL_BYTES_KEPT}")
        connection.execute("PRAGMA secure_delete=ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _create(path: Path) -> None:
    """An empty file for our eyes only, unless one stands.

    It is made under another name and linked into place: closing a descriptor of a file drops every lock that this
    process has on it, those of other connections too (https://www.sqlite.org/howtocorrupt.html, 2.2).
    """
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = path.with_name(f".{path.name}.{os.getpid()}.{random.getrandbits(32):08x}")
            os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            try:
                _link(draft, path)
            finally:
                draft.unlink(missing_ok=True)
    except OSError as error:
        raise Misconfigured(
            f"cannot create the database {path}: {error.strerror}; set AGENT_MEMORY_DB_PATH to a writable place"
        ) from error
    if not path.is_file() or not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
        raise Misconfigured(
            f"{path}: it must be a file, and file and folder must be writable; "
            "set AGENT_MEMORY_DB_PATH to such a place"
        )


def _link(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    except OSError:
        # A file system without hard links; what stands there by now is not overwritten.
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))


def _is_current(connection: sqlite3.Connection, path: Path, schema: Schema) -> bool:
    """Whether nothing is left to do for the schema. Refuses what is newer than the program, or not ours."""
    tune(connection)
    connection.execute("BEGIN")
    try:
        identity = _pragma(connection, "application_id")
        version = _pragma(connection, "user_version")
        if identity == 0 and version == 0 and _is_empty(connection):
            return False
    finally:
        connection.execute("ROLLBACK")
    if identity != schema.application_id:
        raise _foreign(path)
    newest = schema.steps()[-1][0]
    if version > newest:
        raise Misconfigured(
            f"{path} has schema {version} and this program knows {newest}: upgrade the program, or set "
            "AGENT_MEMORY_DB_PATH to another file"
        )
    return version == newest


def _migrate(connection: sqlite3.Connection, path: Path, schema: Schema, number: int, file: Path) -> None:
    """One step, in the transaction begun for it; nothing if another process has taken it meanwhile."""
    try:
        if _pragma(connection, "user_version") < number:
            if number == 1:
                _refuse_foreign(connection, path)
            for statement in _split(file.read_text(encoding="utf-8")):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id={schema.application_id}")
            connection.execute(f"PRAGMA user_version={number}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    if not _is_empty(connection):
        raise _foreign(path)


def _foreign(path: Path) -> Misconfigured:
    return Misconfigured(
        f"{path} is the database of another program: set AGENT_MEMORY_DB_PATH to a file of its own"
    )


def _is_empty(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None


def _split(script: str) -> Iterator[str]:
    """Statement by statement: `executescript` would commit first."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def _retried(attempt: Callable[[], object], timeout: float) -> bool:
    """What SQLite's busy handler is not asked about: recovery of the log, and the switch to it."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            return bool(attempt())
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() >= deadline:
                raise
            time.sleep(random.uniform(0.001, 0.01))  # noqa: S311 - jitter, not a secret
