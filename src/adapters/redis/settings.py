"""How to reach the server, and how long to wait for it."""

from __future__ import annotations

import math
import ssl
from typing import TYPE_CHECKING, Any

import msgspec

from ...ports.errors import Misconfigured
from .location import Location, parse_url

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECRET = "..."  # noqa: S105 - what stands in its place


class RedisSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where `url` is given it says it all, and `host`, `port`, `username`, `password`, `db` and `tls` are not read.

    Times are in seconds. `connect_timeout` bounds a connection attempt; where the last one failed a call waits for the
    next no longer than `command_timeout`. That bounds the wait for each answer, and how long attempts go on: a call
    ends within `connect_timeout` and twice `command_timeout`.
    `max_retries` further attempts, `retry_delay` (doubling, with jitter) apart, are made where the server was lost.
    `max_connections` bounds the calls under way at once; each channel that is listened to has a connection beside.
    """

    url: str = ""
    host: str = "localhost"
    port: int = 6379
    username: str = ""
    password: str = ""
    db: int = 0
    tls: bool = False
    tls_root: str = ""
    key_prefix: str = "agentmem:"
    event_channel: str = "agentmem:events"
    connect_timeout: float = 10.0
    command_timeout: float = 1.0
    max_retries: int = 3
    retry_delay: float = 0.05
    max_connections: int = 16
    lock_ttl: float = 30.0
    lock_retry_count: int = 3
    lock_retry_delay: float = 0.2
    cache_ttl: float = 3600.0

    @property
    def location(self) -> Location:
        """`Misconfigured` where the settings name no place."""
        if self.url:
            return parse_url(self.url)
        if not 0 < self.port < 65536:
            raise Misconfigured(f"AGENT_MEMORY_REDIS_PORT {self.port}: not allowed (1 to 65535)")
        if self.db < 0:
            raise Misconfigured(f"AGENT_MEMORY_REDIS_DB {self.db}: not allowed (0 or more)")
        return Location(
            kind="tcp",
            addresses=((self.host, self.port),),
            username=self.username,
            password=self.password,
            db=self.db,
            tls=self.tls,
            tls_root=self.tls_root,
        )

    def check(self) -> None:
        _check_authorities(self.location)
        for name, seconds in (
            ("connect_timeout", self.connect_timeout),
            ("command_timeout", self.command_timeout),
            ("lock_ttl", self.lock_ttl),
            ("cache_ttl", self.cache_ttl),
        ):
            if not 0 < seconds < math.inf:
                raise Misconfigured(f"redis: {name} {seconds} is not allowed (more than 0 seconds)")
        for name, delay in (("retry_delay", self.retry_delay), ("lock_retry_delay", self.lock_retry_delay)):
            if not 0 <= delay < math.inf:
                raise Misconfigured(f"redis: {name} {delay} is not allowed (0 seconds or more)")
        for name, count in (("max_retries", self.max_retries), ("lock_retry_count", self.lock_retry_count)):
            if count < 0:
                raise Misconfigured(f"redis: {name} {count} is not allowed (0 or more)")
        if self.max_connections < 1:
            raise Misconfigured(f"redis: max_connections {self.max_connections} is not allowed (1 or more)")

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self._shown())
        return f"RedisSettings({shown})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return list(self._shown())

    def _shown(self) -> Iterator[tuple[str, Any]]:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            secret = value and name in {"password", "url"}
            yield name, _SECRET if secret else value


def _check_authorities(location: Location) -> None:
    """Now, and not when the first connection is made: what is wrong with a file does not pass."""
    if not location.tls or not location.tls_root:
        return
    try:
        ssl.create_default_context(cafile=location.tls_root)
    except OSError as error:  # also what OpenSSL says
        raise Misconfigured(
            f"redis: ssl_ca_certs {location.tls_root!r}: not a PEM file that can be read "
            f"({error.strerror or error})"
        ) from error
