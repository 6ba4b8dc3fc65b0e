"""The settings of the Redis shape."""

from __future__ import annotations

from .setting import Setting, flag, number, seconds_from_millis

_LONGEST_MS = 86_400_000


def _prefix(text: str) -> str:
    if not text.isprintable() or any(c in text for c in "*?[]{}\\ "):
        raise ValueError("must be plain text without blanks, braces and the signs of patterns (* ? [ ] \\)")
    return text


REDIS_SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="REDIS_ENABLED",
        default="false",
        field="redis_enabled",
        read=flag,
        meaning="true: instances share cache, file locks, events, limits and breaker state through Redis",
    ),
    Setting(
        name="REDIS_URL",
        default="",
        field="redis_url",
        read=str,
        secret=True,
        meaning="Redis: redis:// or rediss:// (TLS) with all in one; wins over HOST, PORT, PASSWORD, DB and TLS",
    ),
    Setting(
        name="REDIS_HOST",
        default="localhost",
        field="redis_host",
        read=str,
        meaning="Redis: the server's name or address",
    ),
    Setting(
        name="REDIS_PORT",
        default="6379",
        field="redis_port",
        read=number(1, 65535),
        meaning="Redis: the server's port",
    ),
    Setting(
        name="REDIS_PASSWORD",
        default="",
        field="redis_password",
        read=str,
        secret=True,
        meaning="Redis: the password",
    ),
    Setting(
        name="REDIS_DB",
        default="0",
        field="redis_db",
        read=number(0, 1_000_000),
        meaning="Redis: the number of the database",
    ),
    Setting(
        name="REDIS_TLS",
        default="false",
        field="redis_tls",
        read=flag,
        meaning="Redis: encrypt, and verify the server's certificate",
    ),
    Setting(
        name="REDIS_KEY_PREFIX",
        default="agentmem:",
        field="redis_key_prefix",
        read=_prefix,
        meaning="Redis: what every key begins with; instances with the same prefix share everything",
    ),
    Setting(
        name="REDIS_CACHE_TTL_MS",
        default="3600000",
        field="redis_cache_ttl",
        read=seconds_from_millis(1, _LONGEST_MS),
        meaning="Redis: how long an answer is kept for all instances",
    ),
    Setting(
        name="REDIS_LOCK_TTL_MS",
        default="30000",
        field="redis_lock_ttl",
        read=seconds_from_millis(1, _LONGEST_MS),
        meaning="Redis: when set, how long a file lock lasts that asks for no time (else FILE_LOCK_TTL_MS)",
    ),
    Setting(
        name="REDIS_LOCK_RETRY_COUNT",
        default="3",
        field="redis_lock_retry_count",
        read=number(0, 1000),
        meaning="Redis: how often a lock is asked for again when Redis does not answer",
    ),
    Setting(
        name="REDIS_LOCK_RETRY_DELAY_MS",
        default="200",
        field="redis_lock_retry_delay",
        read=seconds_from_millis(0, 60_000),
        meaning="Redis: how long after the last try",
    ),
    Setting(
        name="REDIS_EVENT_CHANNEL",
        default="agentmem:events",
        field="redis_event_channel",
        read=str,
        meaning="Redis: the channel on which instances tell each other of changes",
    ),
    Setting(
        name="REDIS_CONNECT_TIMEOUT_MS",
        default="10000",
        field="redis_connect_timeout",
        read=seconds_from_millis(1, _LONGEST_MS),
        meaning="Redis: how long to try to connect",
    ),
    Setting(
        name="REDIS_MAX_RETRIES",
        default="3",
        field="redis_max_retries",
        read=number(0, 1000),
        meaning="Redis: how often a command is sent again on a new connection after the old one was lost",
    ),
)
