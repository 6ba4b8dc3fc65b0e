"""The settings of the Redis shape."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..ports.errors import Misconfigured
from .setting import Setting, flag, number, seconds_from_millis

if TYPE_CHECKING:
    from collections.abc import Generator

    from ..adapters.redis.settings import RedisSettings
    from .settings import Settings

_LONGEST_MS = 86_400_000


def redis_settings(settings: Settings) -> RedisSettings:
    with redis_driver_needed():
        from ..adapters.redis.settings import RedisSettings  # noqa: PLC0415 - needs the driver
    return RedisSettings(
        url=settings.redis_url,
        host=settings.redis_host,
        port=settings.redis_port,
        password=settings.redis_password,
        db=settings.redis_db,
        tls=settings.redis_tls,
        key_prefix=settings.redis_key_prefix,
        event_channel=settings.redis_event_channel,
        connect_timeout=settings.redis_connect_timeout,
        max_retries=settings.redis_max_retries,
        lock_ttl=settings.file_lock_ttl,
        lock_retry_count=settings.redis_lock_retry_count,
        lock_retry_delay=settings.redis_lock_retry_delay,
        cache_ttl=settings.redis_cache_ttl,
    )


@contextmanager
def redis_driver_needed() -> Generator[None]:
    """Around the imports that load it: it is an extra."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "redis":
            raise
        raise Misconfigured(
            "AGENT_MEMORY_REDIS_ENABLED=true needs the driver redis: pip install 'agent-memory[redis]'"
        ) from error


def _prefix(text: str) -> str:
    if not text.isprintable() or any(c in text for c in "*?[]{}\\ "):
        raise ValueError("must be plain text without blanks, braces and the signs of patterns (* ? [ ] \\)")
    # `teamB` is meant as `teamB:`; together with what follows it would read as another word.
    return f"{text}:" if text[-1:].isalnum() else text


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
        meaning="Redis: all in one; wins over HOST, PORT, PASSWORD, DB and TLS. redis://, rediss:// (TLS), unix://, "
        "redis+sentinel:// or rediss+sentinel://",
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
        meaning="Redis: what every key begins with, a colon added where it ends with a letter or digit; instances with "
        "the same prefix share everything",
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
        default="",
        field="redis_lock_ttl",
        read=seconds_from_millis(1000, _LONGEST_MS),
        meaning="how long a file lock lasts that asks for no time: the same as FILE_LOCK_TTL_MS, which wins",
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
