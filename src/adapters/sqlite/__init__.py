"""Storage and Lock on SQLite files, safe for many processes at once."""

from .lock import SqliteLock
from .storage import SqliteStorage

__all__ = ["SqliteLock", "SqliteStorage"]
