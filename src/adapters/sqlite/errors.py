"""Every error of SQLite, as what it means at a port."""

from __future__ import annotations

import sqlite3

from ...ports.errors import Corrupt, PortError, Rejected, Unavailable

_MEANING: dict[int, tuple[type[PortError], str]] = {
    sqlite3.SQLITE_BUSY: (Unavailable, "another process kept the write lock for longer than the busy timeout"),
    sqlite3.SQLITE_LOCKED: (Unavailable, "a table is locked"),
    sqlite3.SQLITE_FULL: (Unavailable, "the disk is full (or the file's size limit is reached): free some space"),
    sqlite3.SQLITE_READONLY: (Unavailable, "the file is read-only: allow writing to it and to its folder"),
    sqlite3.SQLITE_PERM: (Unavailable, "access is denied: check owner and permissions"),
    sqlite3.SQLITE_CANTOPEN: (Unavailable, "the file cannot be opened: check owner and permissions"),
    sqlite3.SQLITE_IOERR: (Unavailable, "the disk failed to read or write"),
    sqlite3.SQLITE_NOMEM: (Unavailable, "memory ran out"),
    sqlite3.SQLITE_NOLFS: (Unavailable, "the file system does not hold files of this size"),
    sqlite3.SQLITE_PROTOCOL: (Unavailable, "the file's locks are contended beyond reason"),
    sqlite3.SQLITE_SCHEMA: (Unavailable, "the schema changed meanwhile"),
    sqlite3.SQLITE_INTERRUPT: (Unavailable, "the statement was interrupted"),
    sqlite3.SQLITE_CORRUPT: (Corrupt, "the file is damaged: restore a backup"),
    sqlite3.SQLITE_NOTADB: (Corrupt, "the file is not an SQLite database: restore a backup"),
    sqlite3.SQLITE_ERROR: (Corrupt, "the file does not hold what its schema version says: restore a backup"),
    sqlite3.SQLITE_TOOBIG: (Rejected, "a value is too big"),
    sqlite3.SQLITE_CONSTRAINT: (Rejected, "a value breaks a rule of the schema"),
    sqlite3.SQLITE_MISMATCH: (Rejected, "a value has the wrong type"),
    sqlite3.SQLITE_RANGE: (Rejected, "a value is out of range"),
}  # fmt: skip


def primary_code(error: sqlite3.Error) -> int:
    """The result code without its extension; 0 where the module, not the library, raised."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def port_error(error: Exception, store: str) -> Exception:
    """The error to raise in its place, its cause set. What is no error of data or driver comes back as it is."""
    if isinstance(error, sqlite3.Error):
        kind, meaning = _MEANING.get(primary_code(error), (Unavailable, "the database did not answer"))
        mapped: PortError = kind(f"{store}: {meaning} ({error})")
    elif isinstance(error, OSError):
        mapped = Unavailable(f"{store}: {error}")
    elif isinstance(error, UnicodeEncodeError):
        mapped = Rejected(f"text: lone surrogate at character {error.start}; send valid Unicode")
    elif isinstance(error, OverflowError):
        mapped = Rejected(f"a number is out of range ({error})")
    else:
        return error
    mapped.__cause__ = error
    return mapped
