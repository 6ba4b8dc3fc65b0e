"""Settings: read once from the environment into one frozen struct.

Every name, default and meaning stands in `SETTINGS`; `agent-memory config` prints it with the values in force.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from ..core.limits import FILE_LOCK_SECONDS
from ..ports.errors import Misconfigured, Rejected
from ..ports.scopes import GLOBAL
from .daemon.address import database_of, sockets_of
from .event_loop import LoopChoice
from .setting import Setting, name_only, number, secrets_in, without_secrets
from .settings_adapters import ADAPTER_SETTINGS, STORES, settle_storage
from .settings_base import BASE_SETTINGS
from .settings_cache import CACHE_SETTINGS
from .settings_daemon import DAEMON_SETTINGS
from .settings_embedder import EMBEDDER_SETTINGS
from .settings_limits import LIMIT_SETTINGS
from .settings_metrics import METRICS_SETTINGS, wants_traces
from .settings_moving import MOVING_SETTINGS
from .settings_postgres import POSTGRES_SETTINGS
from .settings_redis import REDIS_SETTINGS
from .settings_text import TEXT_SETTINGS
from .settings_worker import WORKER_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PREFIX = "AGENT_MEMORY_"
ToolSet = Literal["all", "core"]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Paths are absolute. Every timeout, ttl and interval is in seconds. `database` names what is shared, and
    `daemon_sockets` where its daemon may be found (`daemon/address.py`). `storage` and the six after it are the name
    of an adapter, or an address that begins with it; `db_type` is the name in `storage`.
    """

    db_type: str = "sqlite"
    storage: str = "sqlite"
    cache: str = ""
    lock: str = ""
    event_bus: str = ""
    rate_limiter: str = ""
    circuit_breaker: str = ""
    blob_store: str = ""
    data_dir: Path
    db_path: Path
    busy_timeout: float = 5.0
    synchronous: Literal["FULL", "NORMAL"] = "FULL"
    scope: str = GLOBAL
    agent_id: str = ""
    admin_key: str = ""
    tools: ToolSet = "all"
    timezone: str = "UTC"
    redact: bool = True
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    drain_timeout: float = 5.0
    event_loop: LoopChoice = "auto"
    query_cache_size: int = 1000
    query_cache_memory_mb: int = 200
    query_cache_ttl: float = 300.0
    scope_cache_ttl: float = 600.0
    cache_limit_mb: int = 512
    search_index_max: int = 1_000_000
    embedder: str = "static"
    embedder_path: Path | None = None
    embedder_url: str = "https://api.openai.com/v1"
    embedder_key: str = ""
    embedder_model: str = "text-embedding-3-small"
    embedder_dimension: int = 0
    embedder_timeout: float = 30.0
    embedder_batch: int = 32
    embedder_query_prefix: str = ""
    embedder_document_prefix: str = ""
    pg_host: str = "localhost"
    pg_port: int = 5432
    pg_database: str = "agent_memory"
    pg_user: str = "agent_memory"
    pg_password: str = ""
    pg_ssl: Literal["auto", "disable", "require", "verify-ca", "verify-full"] = "auto"
    pg_ssl_root: Path | None = None
    pg_pool_min: int = 2
    pg_pool_max: int = 10
    pg_idle_timeout: float = 30.0
    pg_connection_timeout: float = 10.0
    pg_statement_timeout: float = 30.0
    redis_enabled: bool = False
    redis_url: str = ""
    redis_host: str = "localhost"
    redis_port: int = 6379
    redis_password: str = ""
    redis_db: int = 0
    redis_tls: bool = False
    redis_key_prefix: str = "agentmem:"
    redis_cache_ttl: float = 3600.0
    redis_lock_ttl: float = FILE_LOCK_SECONDS
    redis_lock_retry_count: int = 3
    redis_lock_retry_delay: float = 0.2
    redis_event_channel: str = "agentmem:events"
    redis_connect_timeout: float = 10.0
    redis_max_retries: int = 3
    file_lock_ttl: float = FILE_LOCK_SECONDS
    rate_limit: Literal["auto", "on", "off"] = "auto"
    rate_per_agent_max: int = 500
    rate_per_agent_window: float = 60.0
    rate_global_max: int = 5000
    rate_global_window: float = 60.0
    rate_burst_max: int = 50
    rate_burst_window: float = 1.0
    rate_fail_mode: Literal["local", "closed", "open"] = "local"
    cb_failure_threshold: int = 5
    cb_reset_timeout: float = 30.0
    cb_success_threshold: int = 2
    worker_concurrency: int = 4
    worker_poll: float = 1.0
    worker_lease: float = 30.0
    session_idle: float = 86_400.0
    purge_after: float = 0.0
    backup_every: float = 0.0
    backup_dir: Path | None = None
    backup_keep: int = 7
    export_dir: Path | None = None
    daemon: Literal["auto", "off", "required"] = "auto"
    socket: Path | None = None
    runtime_dir: Path | None = None
    daemon_clients_max: int = 256
    daemon_reconnect: float = 10.0
    database: str = ""
    daemon_sockets: tuple[str, ...] = ()
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = None
    metrics_refresh: float = 5.0
    perf: bool = False
    log_format: Literal["auto", "text", "json"] = "auto"
    traces: bool = False

    @property
    def place(self) -> str:
        """Where memory is kept, for people."""
        if self.db_type == "sqlite":
            return str(self.db_path)
        if self.db_type not in STORES:
            return without_secrets(self.storage)
        return f"postgresql {self.pg_host}:{self.pg_port}/{self.pg_database}"


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """The settings in force, where each came from, and what deserves a warning."""

    settings: Settings
    sources: dict[str, str]
    warnings: tuple[str, ...]


_SHOWN = 80


def _shown(setting: Setting, given: str) -> str:
    """Of a value that was refused, as much as may be told."""
    if setting.secret:
        return "(hidden)"
    from ..core.redaction.redactor import scrubbed  # noqa: PLC0415 - only a mistake needs it

    text = name_only(given) if setting.address or "://" in given else scrubbed(given)
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


def read_settings(environment: Mapping[str, str]) -> Reading:
    """`Misconfigured`, in one line that names the variable, for a value that cannot be meant."""
    fields: dict[str, object] = {}
    sources: dict[str, str] = {}
    for setting in SETTINGS:
        name = PREFIX + setting.name
        given = environment.get(name, "").strip()
        if setting.guards and not given and name in environment:
            raise Misconfigured(
                f"{name} is set but blank, and would guard nothing: give it a value or leave it out"
            )
        sources[setting.name] = "environment" if given else "default"
        text = given or setting.default
        if not text:
            continue
        try:
            fields[setting.field] = setting.read(text)
        except (ValueError, Rejected) as error:
            raise Misconfigured(f"{name}={_shown(setting, given)}: {error}") from None
    data_dir = fields.setdefault("data_dir", _default_data_dir(environment))
    assert isinstance(data_dir, Path)
    settle_storage(fields, sources)
    fields.setdefault("db_path", data_dir / "memory.db")
    _settle_lock_ttl(fields, sources)
    if fields["redact"]:
        _refuse_secrets(fields, "SCOPE", "AGENT_ID")
    fields["database"] = database_of(environment)
    fields["daemon_sockets"] = sockets_of(environment, database_of(environment))
    fields["traces"] = wants_traces(environment)
    return Reading(
        settings=msgspec.convert(fields, Settings),
        sources=sources,
        warnings=tuple(unknown_names(environment)),
    )


def _refuse_secrets(fields: Mapping[str, object], *names: str) -> None:
    for name in names:
        if value := fields.get(name.lower()):
            from ..core.redaction.names import refuse_secret  # noqa: PLC0415 - most have neither

            try:
                refuse_secret(str(value), PREFIX + name)
            except Rejected as error:
                raise Misconfigured(str(error)) from None


def _settle_lock_ttl(fields: dict[str, object], sources: Mapping[str, str]) -> None:
    """Two names of one thing: each says in the end how long a lock lasts, but for one that gave way to the other."""
    if sources["REDIS_LOCK_TTL_MS"] == "environment":
        fields.setdefault("file_lock_ttl", fields["redis_lock_ttl"])
    else:
        fields["redis_lock_ttl"] = fields.setdefault("file_lock_ttl", FILE_LOCK_SECONDS)


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """What must stand in no log: the secret settings, and what is secret within an address that is one."""
    values = [str(getattr(settings, setting.field)) for setting in SETTINGS if setting.secret]
    inside = [
        value.partition("@")[0].rpartition(":")[2] for value in values if "://" in value and "@" in value
    ]
    inside += [
        one for setting in SETTINGS if setting.address for one in secrets_in(getattr(settings, setting.field))
    ]
    if any("%" in value for value in inside):
        from urllib.parse import unquote  # noqa: PLC0415 (hardly ever needed)

        inside += [unquote(value) for value in inside]
    return tuple(value for value in (*values, *inside) if value)


def unknown_names(environment: Iterable[str]) -> list[str]:
    """A warning for each name that means nothing here."""
    known = {setting.name for setting in SETTINGS}
    given = (name.removeprefix(PREFIX) for name in sorted(environment) if name.startswith(PREFIX))
    return [_unknown(name, known) for name in given if name not in known and not name.startswith("TEST_")]


def _unknown(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 (costs 5 ms, and only a mistake needs it)

    near = get_close_matches(name, sorted(known), n=1, cutoff=0.7)
    hint = f"did you mean {PREFIX}{near[0]}?" if near else "`agent-memory config` lists the names"
    return f"{PREFIX}{name} is not a setting of this version and has no effect; {hint}"


def _default_data_dir(environment: Mapping[str, str]) -> Path:
    """The XDG base directory for data (freedesktop.org, Base Directory Specification 0.8)."""
    base = environment.get("XDG_DATA_HOME", "")
    if base.startswith("/"):
        return Path(base) / "agent-memory"
    home = environment.get("HOME", "")
    if not home.startswith("/"):
        import pwd  # noqa: PLC0415 (only where the environment names no home)

        home = pwd.getpwuid(os.getuid()).pw_dir
    return Path(home) / ".local" / "share" / "agent-memory"


SETTINGS: tuple[Setting, ...] = (
    *BASE_SETTINGS,
    *ADAPTER_SETTINGS,
    *TEXT_SETTINGS,
    *CACHE_SETTINGS,
    *DAEMON_SETTINGS,
    *LIMIT_SETTINGS,
    *EMBEDDER_SETTINGS,
    Setting(
        name="SEARCH_INDEX_MAX",
        default="1000000",
        field="search_index_max",
        read=number(0, 100_000_000),
        meaning="entries up to which recall ranks by an index in memory (1.3 KB each); above, the database ranks",
    ),
    *METRICS_SETTINGS,
    *MOVING_SETTINGS,
    *POSTGRES_SETTINGS,
    *REDIS_SETTINGS,
    *WORKER_SETTINGS,
)
