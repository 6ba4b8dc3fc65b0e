"""Connections, lent one at a time, made when needed and kept for the next."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from redis import exceptions as driver
from redis.asyncio import Sentinel
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection, UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError
from redis.backoff import NoBackoff

from ...ports.errors import Misconfigured, Unavailable
from .errors import is_silence

if TYPE_CHECKING:
    from .location import Location
    from .settings import RedisSettings

_PING_SECONDS = 15
"""A connection that was idle for so long is tried before it is used: a firewall may have forgotten it."""

_LOGIN_REFUSED = re.compile(r"AuthenticationError|NoPermissionError|NOAUTH|WRONGPASS")


class Pool:
    """At most `max_connections` are lent at once. The driver's own pool neither bounds a wait behind sentinels nor
    tells what was made and lost.
    """

    def __init__(self, settings: RedisSettings, location: Location) -> None:
        self._closed = False
        self.made = 0
        self.failed = 0
        self.lost = 0
        self._settings = settings
        self._location = location
        self._idle: list[tuple[AbstractConnection, float]] = []
        self._turns = asyncio.Semaphore(settings.max_connections)
        self._sentinel = _sentinel(location, settings) if location.kind == "sentinel" else None

    @property
    def tls(self) -> bool:
        return self._location.tls

    async def answers(self) -> bool:
        """Whether a new connection gets an answer; it may be a refusal. One that is good is kept for the next call."""
        try:
            connection = await self.connect()
            await connection.send_command("PING")
            await connection.read_response()
        except Exception as error:  # noqa: BLE001 - whatever it is, the next call finds and tells it
            return not is_silence(error)
        if self._closed:
            await _disconnect(connection)
        else:
            self._idle.append((connection, time.monotonic()))
        return True

    async def borrow(self, *, hurried: bool) -> AbstractConnection:
        """A connection that answers, as far as can be told without asking one that was used just now. `hurried`: a new
        one is waited for no longer than an answer.
        """
        if self._turns.locked():
            try:
                async with asyncio.timeout(self._settings.command_timeout):
                    await self._turns.acquire()
            except TimeoutError as error:
                raise Unavailable(
                    f"{self._location.name}: all {self._settings.max_connections} connections are in use"
                ) from error
        else:
            await self._turns.acquire()
        try:
            while self._idle:
                connection, since = self._idle.pop()
                if await self._is_well(connection, time.monotonic() - since):
                    return connection
                await self.discard(connection)
            settings = self._settings
            patience = min(settings.connect_timeout, settings.command_timeout)
            return await (self.connect(socket_connect_timeout=patience) if hurried else self.connect())
        except BaseException:
            self._turns.release()
            raise

    async def give_back(self, connection: AbstractConnection) -> None:
        """One that broke goes; what is kept has nothing unread."""
        self._turns.release()
        if not connection.is_connected:
            self.lost += 1
        elif self._closed:
            await _disconnect(connection)
        else:
            self._idle.append((connection, time.monotonic()))

    async def connect(self, **changes: Any) -> AbstractConnection:
        """One more, which is not lent and counts for nothing here: `discard` it."""
        kind, arguments = _arguments(self._settings, self._location)
        if self._sentinel is not None:
            arguments["host"], arguments["port"] = await self._primary(self._sentinel)
        connection = kind(**arguments | changes)
        try:
            await connection.connect()  # type: ignore[no-untyped-call] # redis-py gives it no types
        except BaseException as error:
            self.failed += isinstance(error, Exception)
            await _disconnect(connection)
            raise
        self.made += 1
        return connection

    async def _primary(self, sentinel: Sentinel) -> tuple[str, int]:
        service = self._location.service
        try:
            return cast("tuple[str, int]", await sentinel.discover_master(service))
        except MasterNotFoundError as error:
            # The driver's text is for its own developers, and names its objects.
            if _LOGIN_REFUSED.search(str(error)):
                raise Misconfigured(
                    f"{self._location.name}: a sentinel refused the login: check sentinel_username and "
                    "sentinel_password in AGENT_MEMORY_REDIS_URL"
                ) from error
            raise driver.ConnectionError(f"no sentinel names a primary of {service!r}") from error

    async def discard(self, connection: AbstractConnection) -> None:
        self.lost += 1
        await _disconnect(connection)

    async def close(self) -> None:
        """What is lent goes when it comes back."""
        self._closed = True
        while self._idle:
            await _disconnect(self._idle.pop()[0])
        if self._sentinel is not None:
            for sentinel in self._sentinel.sentinels:
                await sentinel.aclose()

    async def _is_well(self, connection: AbstractConnection, idle: float) -> bool:
        try:
            # Something unread is the end of the connection, or an answer that nobody waits for.
            if await _has_data(connection):
                return False
            # The driver's own check asks before it has logged in (redis-py 5.3).
            if idle > _PING_SECONDS:
                await connection.send_command("PING")
                async with asyncio.timeout(self._settings.command_timeout / 4):
                    await connection.read_response()
        except (driver.RedisError, OSError, TimeoutError) as error:
            if is_silence(error):
                # Whoever forgot this one has forgotten the others, and nobody is to wait for each of them.
                while self._idle:
                    await self.discard(self._idle.pop()[0])
            return False
        return True


async def _has_data(connection: AbstractConnection) -> bool:
    # redis-py 8 renamed it and warns of the former name.
    look = getattr(connection, "can_read", None) or connection.can_read_destructive
    return bool(await look())


async def _disconnect(connection: AbstractConnection) -> None:
    with suppress(driver.RedisError, OSError):
        await connection.disconnect(nowait=True)


def _arguments(
    settings: RedisSettings, location: Location
) -> tuple[type[AbstractConnection], dict[str, Any]]:
    arguments: dict[str, Any] = {
        "db": location.db,
        "username": location.username or None,
        "password": location.password or None,
        "protocol": 3,
        "client_name": "agent-memory",
        "socket_timeout": settings.command_timeout,
        "socket_connect_timeout": settings.connect_timeout,
    }
    if location.kind == "unix":
        return UnixDomainSocketConnection, arguments | {"path": location.path}
    arguments["socket_keepalive"] = True
    if location.kind == "tcp":
        arguments["host"], arguments["port"] = location.addresses[0]
    if location.tls:
        return SSLConnection, arguments | _tls(location)
    return Connection, arguments


def _tls(location: Location) -> dict[str, Any]:
    return {
        "ssl_ca_certs": location.tls_root or None,
        "ssl_cert_reqs": "required" if location.tls_verify else "none",
        "ssl_check_hostname": location.tls_verify,
    }


def _sentinel(location: Location, settings: RedisSettings) -> Sentinel:
    arguments: dict[str, Any] = {
        "username": location.sentinel_username or None,
        "password": location.sentinel_password or None,
        "socket_timeout": settings.command_timeout,
        "socket_connect_timeout": min(settings.connect_timeout, settings.command_timeout),
        # The driver's own would go on for seconds; what is tried again is decided above.
        "retry": Retry(NoBackoff(), 0),
    }
    if location.tls:
        arguments |= {"ssl": True} | _tls(location)
    addresses = list(location.addresses)
    return Sentinel(addresses, sentinel_kwargs=arguments)  # type: ignore[no-untyped-call] # same
