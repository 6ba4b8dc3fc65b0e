"""The Lock port by Lua scripts, with the server's clock and tokens from it."""

from __future__ import annotations

import asyncio
import logging
import math
from functools import partial
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Self

from ...ports.errors import LockTimeout, NotHeld, PortError, Rejected, Unavailable
from ...ports.instants import from_micros
from ...ports.lock import MAX_TTL, Held, Lease, LockCapabilities
from ...ports.waking import Sleeper
from .ear import Ear
from .errors import InDoubt

if TYPE_CHECKING:
    from types import TracebackType

    from ...ports.clock import Clock
    from .connection import RedisServer

_log = logging.getLogger(__name__)
_MICROS = 1_000_000
_LOOK_AGAIN = 3.0
"""Seconds between two looks of a waiter: a lock that was flushed or deleted was freed without a word."""
_LEAST_DELAY = 0.05


class RedisLock:
    """Keys: `{prefix}lock:{name}`, each while its lease lives; `{prefix}locks:token`, the last token of all names;
    `{prefix}locks:live`, which names have leases. What was freed is told on the channel `{prefix}locks:freed`.

    A token is the server's time in microseconds, or one more than the last where that is more: so tokens grow also
    when the server comes back empty. Waiters of one process are woken one at a time, in the order in which they came;
    those of several processes race. A call that cannot reach the server is tried again `lock_retry_count` times,
    `lock_retry_delay` seconds apart and growing. A lease that may have been granted while its answer was lost is taken
    back as soon as the server answers again.
    """

    def __init__(self, server: RedisServer, *, clock: Clock) -> None:
        self._server = server
        self._clock = clock
        self._channel = f"{server.prefix}locks:freed"
        self._tokens = f"{server.prefix}locks:token"
        self._live = f"{server.prefix}locks:live"
        self._highest = 0
        self._waiters: dict[str, list[Sleeper]] = {}
        self._closed = True
        self._ear = Ear(
            server,
            self._channel,
            on_message=lambda name: self._wake(name.decode()),
            on_hearing=self._wake_all,
        )

    @property
    def capabilities(self) -> LockCapabilities:
        return LockCapabilities(name="redis", durable=True, shared="network")

    async def __aenter__(self) -> Self:
        self._closed = False
        self._ear.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leases stay until they run out. Whoever still waits is told."""
        self._closed = True
        self._wake_all()
        await self._ear.close()

    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        _check(name, owner, ttl)
        if not 0 <= wait < math.inf:
            raise Rejected(f"wait {wait}: not allowed (0 seconds or more, finite)", "wait")
        deadline = self._clock.monotonic() + wait
        found = (
            await self._wait(name, owner, ttl, deadline) if wait else (await self._try(name, owner, ttl))[0]
        )
        if isinstance(found, Held):
            raise LockTimeout(f"lock {name!r}: held by {found.owner!r}", found)
        return found

    async def renew(self, lease: Lease, *, ttl: float) -> Lease:
        _check(lease.name, lease.owner, ttl)
        row = await self._run(
            "lock_renew",
            (self._key(lease.name), self._live),
            (lease.name, lease.owner, lease.token, _micros(ttl), self._channel),
        )
        if row is None:
            raise _over(lease)
        return _lease(lease.name, row)

    async def release(self, lease: Lease) -> None:
        end = partial(self._end, lease.name, owner=_text(lease.owner, "owner"), token=str(lease.token))
        try:
            ended = await end()
        except InDoubt:
            # Done or not, it is to be over; but whether it was still live then, nobody knows.
            if await end() is None:
                raise
            return
        if ended is None:
            raise _over(lease)

    async def inspect(self, name: str) -> Held | None:
        [row] = await self._run("lock_show", (self._key(name),))
        return None if row is None else _held(name, row)

    async def list(self, *, prefix: str = "", limit: int = 100) -> list[Held]:
        if limit < 1:
            raise Rejected(f"limit {limit}: not allowed (1 or more)", "limit")
        answer: list[bytes] = await self._run("lock_names", (self._live,), (_text(prefix, "prefix"),))
        names = sorted(name.decode() for name in answer)
        found: list[Held] = []
        while names and len(found) < limit:
            some, names = names[: limit - len(found)], names[limit - len(found) :]
            rows = await self._run("lock_show", [self._key(name) for name in some])
            found += [_held(name, row) for name, row in zip(some, rows, strict=True) if row is not None]
        return found

    async def force_release(self, name: str, *, by: str, reason: str) -> Held | None:
        row = await self._end(name)
        if row is None:
            return None
        ended = _held(name, row)
        _log.warning("lock %r of %r (token %d) forced by %r: %s", name, ended.owner, ended.token, by, reason)
        return ended

    async def _try(self, name: str, owner: str, ttl: float) -> tuple[Lease | Held, float]:
        """The lease or who stands in the way, and the seconds that either has left."""
        if self._closed:
            raise Unavailable(f"lock {name!r}: closed")
        attempt = token_hex(8)
        task = self._submit(
            "lock_acquire",
            (self._key(name), self._tokens, self._live),
            (name, owner, _micros(ttl), attempt, self._highest),
        )
        withdraw = partial(self._withdraw, name, attempt, ttl)
        try:
            granted, *row, now = await asyncio.shield(task)
        except asyncio.CancelledError:
            # It may be granted at this very moment.
            task.add_done_callback(lambda ended: self._after_cancel(ended, withdraw))
            raise
        except InDoubt:
            self._server.keep(withdraw())
            raise
        found = _lease(name, row) if granted else _held(name, row)
        self._highest = max(self._highest, found.token)
        return found, (int(row[3]) - int(now)) / _MICROS

    def _after_cancel(self, task: asyncio.Task[Any], withdraw: partial[Any]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, InDoubt) or (error is None and task.result()[0]):
            self._server.keep(withdraw())

    async def _withdraw(self, name: str, attempt: str, ttl: float) -> None:
        """Nobody knows of this lease: end it, if it is one, as soon as the server answers."""
        # The network's own time, as for all that is tried again.
        loop = asyncio.get_running_loop()
        over = loop.time() + ttl
        while True:
            try:
                await self._end(name, attempt=attempt)
            except PortError:
                if loop.time() >= over:
                    return
                await asyncio.sleep(max(_LEAST_DELAY, self._server.settings.lock_retry_delay))
            else:
                return

    async def _wait(self, name: str, owner: str, ttl: float, deadline: float) -> Lease | Held:
        """The lease, or who has it at the deadline."""
        # Before the first try, so that nothing that is told after it is missed.
        waiter = Sleeper(self._clock)
        waiters = self._waiters.setdefault(name, [])
        waiters.append(waiter)
        found: Lease | Held | None = None
        try:
            found, left = await self._try(name, owner, ttl)
            while isinstance(found, Held) and (patience := deadline - self._clock.monotonic()) > 0:
                await waiter.doze(min(patience, left, _LOOK_AGAIN))
                found, left = await self._try(name, owner, ttl)
            return found
        finally:
            waiters.remove(waiter)
            if not waiters:
                del self._waiters[name]
            elif not isinstance(found, Lease):
                self._wake(name)  # what woke this one is for the next

    def _wake(self, name: str) -> None:
        for waiter in self._waiters.get(name, ())[:1]:
            waiter.wake()

    def _wake_all(self) -> None:
        for waiters in self._waiters.values():
            for waiter in waiters:
                waiter.wake()

    async def _end(self, name: str, *, owner: bytes = b"", token: str = "", attempt: str = "") -> Any:
        return await asyncio.shield(
            self._submit(
                "lock_end",
                (self._key(name), self._live),
                (name, self._channel, owner, token, attempt),
                again=False,
            )
        )

    async def _run(self, script: str, keys: Any, arguments: Any = ()) -> Any:
        return await asyncio.shield(self._submit(script, keys, arguments))

    def _submit(self, script: str, keys: Any, arguments: Any, *, again: bool = True) -> asyncio.Task[Any]:
        settings = self._server.settings
        return self._server.submit(
            script,
            keys,
            arguments,
            again=again,
            retries=settings.lock_retry_count,
            delay=settings.lock_retry_delay,
        )

    def _key(self, name: str) -> bytes:
        return f"{self._server.prefix}lock:".encode() + _text(name, "name")


def _check(name: str, owner: str, ttl: float) -> None:
    if not name:
        raise Rejected("name: must not be empty", "name")
    if not owner:
        raise Rejected("owner: must not be empty", "owner")
    _text(name, "name")
    _text(owner, "owner")
    if not 0 < ttl <= MAX_TTL:
        raise Rejected(f"ttl {ttl}: not allowed (more than 0 and at most {MAX_TTL:.0f} seconds)", "ttl")


def _text(value: str, field: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        raise Rejected(f"{field}: holds half of a surrogate pair, which is no character", field) from error


def _micros(seconds: float) -> int:
    return max(1, round(seconds * _MICROS))


def _lease(name: str, row: Any) -> Lease:
    return Lease(**_fields(name, row))


def _held(name: str, row: Any) -> Held:
    return Held(**_fields(name, row))


def _fields(name: str, row: Any) -> dict[str, Any]:
    owner, token, acquired, expires = row
    return {
        "name": name,
        "owner": owner.decode(),
        "token": int(token),
        "acquired_at": from_micros(int(acquired)),
        "expires_at": from_micros(int(expires)),
    }


def _over(lease: Lease) -> NotHeld:
    return NotHeld(f"lock {lease.name!r}: the lease of {lease.owner!r} (token {lease.token}) is over")
