"""Which database an environment means, and where its daemon's socket is. Read by every client while someone waits:
nothing is imported here that is slow to load, and nothing is checked that `settings.read_settings` checks.
"""

# ruff: noqa: PTH100, PTH111, PTH112 - pathlib is slow to load

from __future__ import annotations

import binascii
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "AGENT_MEMORY_"
SHARED_NAME = "agent-memory.sock"
"""Where someone else holds the socket (a unit of systemd), who cannot know what the database is called."""
SYSTEM_FOLDER = "/run/agent-memory"
LONGEST_PATH = 103
"""Bytes of a Unix socket's path that every system takes (Linux 107, macOS 103)."""


def given(environment: Mapping[str, str], name: str, default: str = "") -> str:
    return environment.get(PREFIX + name, "").strip() or default


def database_of(environment: Mapping[str, str]) -> str:
    """A name that two processes share exactly when they would work on the same memory, with the same coordination
    beside it. Holds no secret.
    """
    storage = given(environment, "STORAGE") or given(environment, "DB_TYPE", "sqlite")
    kind, _, place = storage.partition("://")
    kind = kind.lower()
    if kind == "sqlite":
        name = "sqlite:" + os.path.realpath(_unquoted(place) or _database_file(environment))
    elif kind in {"postgresql", "postgres"}:
        name = "postgresql://" + _server(environment, place)
    else:
        # Beside it are locks, in a file of the data folder.
        name = f"{kind}://{_public(place)} {data_folder(environment)}"
    if given(environment, "REDIS_ENABLED").lower() in {"true", "1", "yes", "on"}:
        url = given(environment, "REDIS_URL")
        if url:
            # Without the name and password in it.
            scheme, mark, rest = url.partition("://")
            where = scheme + mark + rest.rpartition("@")[2]
        else:
            where = (
                f"{given(environment, 'REDIS_HOST', 'localhost')}:{given(environment, 'REDIS_PORT', '6379')}"
                f"/{given(environment, 'REDIS_DB', '0')}"
            )
        name += f" redis {where} {given(environment, 'REDIS_KEY_PREFIX', 'agentmem:')}"
    for port in ("CACHE", "LOCK", "EVENT_BUS", "RATE_LIMITER", "CIRCUIT_BREAKER"):
        if chosen := given(environment, port):
            kind, mark, place = chosen.partition("://")
            name += f" {port}={kind.lower()}{mark}{_public(place)}"
    return name


def sockets_of(environment: Mapping[str, str], database: str) -> tuple[str, ...]:
    """Where the daemon of `database` may be found, likeliest first. A daemon makes its own at the first.

    `RUNTIME_DIRECTORY` is what systemd tells a service, not its clients: they look in the same places by other names.
    A client is often started with nothing but HOME and PATH in its environment, so that /run/user/ID is tried as well.
    """
    if told := given(environment, "SOCKET"):
        return (os.path.abspath(os.path.expanduser(told)),)
    own = f"agent-memory-{binascii.crc32(os.fsencode(database)):08x}.sock"
    if told := given(environment, "RUNTIME_DIR"):
        folders = [os.path.abspath(os.path.expanduser(told))]
    else:
        folders = [*_runtime_folders(environment), data_folder(environment), SYSTEM_FOLDER]
    return tuple(f"{folder}/{name}" for folder in dict.fromkeys(folders) for name in (own, SHARED_NAME))


def data_folder(environment: Mapping[str, str]) -> str:
    """As `settings.read_settings` has it (XDG Base Directory Specification 0.8)."""
    if told := given(environment, "DATA_DIR"):
        return os.path.abspath(os.path.expanduser(told))
    base = environment.get("XDG_DATA_HOME", "")
    if base.startswith("/"):
        return f"{base.rstrip('/')}/agent-memory"
    home = environment.get("HOME", "")
    if not home.startswith("/"):
        import pwd  # noqa: PLC0415 - only where the environment names no home

        home = pwd.getpwuid(os.getuid()).pw_dir
    return f"{home.rstrip('/')}/.local/share/agent-memory"


def _database_file(environment: Mapping[str, str]) -> str:
    if told := given(environment, "DB_PATH"):
        return os.path.abspath(os.path.expanduser(told))
    return f"{data_folder(environment)}/memory.db"


def _server(environment: Mapping[str, str], place: str) -> str:
    """User, host, port and database, by an address or by the settings."""
    told = ["", "", "", ""]
    if place:
        from urllib.parse import unquote, urlsplit  # noqa: PLC0415 - slow to load, and only an address needs it

        try:
            parts = urlsplit(f"//{place}")
            told = [parts.username or "", parts.hostname or "", str(parts.port or ""), parts.path.strip("/")]
        except ValueError:
            return ""  # which the settings refuse
        told = [unquote(each) for each in told]
    user = told[0] or given(environment, "PG_USER", "agent_memory")
    host = told[1] or given(environment, "PG_HOST", "localhost")
    port = told[2] or given(environment, "PG_PORT", "5432")
    return f"{user}@{host}:{port}/{told[3] or given(environment, 'PG_DATABASE', 'agent_memory')}"


def _unquoted(path: str) -> str:
    if "%" not in path:
        return path
    from urllib.parse import unquote  # noqa: PLC0415 - hardly ever needed

    return unquote(path)


def _public(place: str) -> str:
    """Without the name and password in it."""
    authority, slash, rest = place.partition("/")
    return authority.rpartition("@")[2] + slash + rest


def _runtime_folders(environment: Mapping[str, str]) -> list[str]:
    told = environment.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    if told.startswith("/"):
        return [told]
    base = environment.get("XDG_RUNTIME_DIR", "")
    if not base.startswith("/"):
        base = f"/run/user/{os.getuid()}"
        if not os.path.isdir(base):
            return []
    return [f"{base.rstrip('/')}/agent-memory"]
