"""Settings of every shape: where memory is kept, who writes, what is offered, how the server runs."""

from __future__ import annotations

from ..core.limits import AGENT_CHARS
from ..core.scope import parse_scope
from ..core.text import checked_line
from .setting import Setting, choice, path, seconds_from_millis
from .settings_adapters import STORES, adapter


def _database(text: str) -> str:
    return adapter("storage", *STORES)("postgresql" if text.lower() == "postgres" else text)


def _agent(text: str) -> str:
    return checked_line(text, "agent_id", most=AGENT_CHARS)


BASE_SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="DB_TYPE",
        default="sqlite",
        field="db_type",
        read=_database,
        address=True,
        meaning="where memory is kept: sqlite (one file), postgresql (a server, for a team), or an installed adapter",
    ),
    Setting(
        name="DATA_DIR",
        default="",
        field="data_dir",
        read=path,
        meaning="folder for everything kept (default: agent-memory in $XDG_DATA_HOME, else in ~/.local/share)",
    ),
    Setting(
        name="DB_PATH",
        default="",
        field="db_path",
        read=path,
        meaning="the SQLite file (default: memory.db in the data folder); created with its folder, private to you",
    ),
    Setting(
        name="DB_BUSY_TIMEOUT_MS",
        default="5000",
        field="busy_timeout",
        read=seconds_from_millis(0, 600_000),
        meaning="how long a write waits for other processes on the file before it fails as retryable",
    ),
    Setting(
        name="SYNCHRONOUS",
        default="FULL",
        field="synchronous",
        read=choice("FULL", "NORMAL", fold=str.upper),
        meaning="FULL: an acknowledged write survives power loss; NORMAL: it survives a crash of the program only",
    ),
    Setting(
        name="SCOPE",
        default="",
        field="scope",
        guards=True,
        read=lambda text: parse_scope(text, "scope"),
        meaning="ceiling: nothing outside this scope can be seen or written (default: global, no ceiling)",
    ),
    Setting(
        name="AGENT_ID",
        default="",
        field="agent_id",
        read=_agent,
        meaning="who writes, recorded with every entry, and whose calls are counted; no argument overrides it",
    ),
    Setting(
        name="ADMIN_KEY",
        default="",
        field="admin_key",
        read=str,
        secret=True,
        guards=True,
        meaning="when set, purging, importing, maintenance and ending another's file lock ask for it",
    ),
    Setting(
        name="TOOLS",
        default="all",
        field="tools",
        read=choice("all", "core"),
        meaning="tools that are offered: all, or core (remember, recall, get, update, forget, context): less to read",
    ),
    Setting(
        name="LOG_LEVEL",
        default="info",
        field="log_level",
        read=choice("debug", "info", "warning", "error"),
        meaning="what is logged to stderr: debug, info, warning, error; who ended whose file lock always is",
    ),
    Setting(
        name="DRAIN_TIMEOUT_MS",
        default="5000",
        field="drain_timeout",
        read=seconds_from_millis(0, 600_000),
        meaning="how long calls in flight may take to finish when the server is told to stop",
    ),
    Setting(
        name="FILE_LOCK_TTL_MS",
        default="",
        field="file_lock_ttl",
        read=seconds_from_millis(1000, 86_400_000),
        meaning="how long a file lock lasts that asks for no time; else REDIS_LOCK_TTL_MS where set, else 5 minutes",
    ),
    Setting(
        name="EVENT_LOOP",
        default="auto",
        field="event_loop",
        read=choice("auto", "asyncio", "uvloop"),
        meaning="what the server runs on: uvloop, asyncio's own loop, or auto (uvloop where it is installed)",
    ),
)
