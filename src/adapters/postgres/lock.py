"""The Lock port on a lease table, with the server's clock and tokens from one sequence."""

from __future__ import annotations

import asyncio
import logging
import math
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Self

from ...ports.errors import LockTimeout, NotHeld, Rejected
from ...ports.instants import from_micros
from ...ports.lock import MAX_TTL, Held, Lease, LockCapabilities
from ...ports.waking import Sleeper
from .link import Link
from .lock_statements import ACQUIRE, CHANNEL, FORCE, INSPECT, LIST, RELEASE, RENEW
from .pages import check_limit
from .rows import checked

if TYPE_CHECKING:
    from types import TracebackType

    import asyncpg

    from ...ports.clock import Clock
    from .config import PostgresSettings
    from .link import Rows

_log = logging.getLogger(__name__)
_MICROS = 1_000_000


class PostgresLock:
    """The tables are made by PostgresStorage, or by `migrate`: one of them comes first.

    All goes over one connection of its own. Waiters of one process are woken one at a time, in the order in which they
    came; those of several processes race. A lease whose answer was lost with the connection stays until it runs out.
    """

    def __init__(self, settings: PostgresSettings, *, clock: Clock, origin: str = "locks") -> None:
        self._clock = clock
        self._waiters: dict[str, list[Sleeper]] = {}
        self._link = Link(
            settings,
            origin=origin,
            clock=clock,
            channel=CHANNEL,
            on_message=self._wake,
            on_renewed=self._wake_all,
        )

    @property
    def capabilities(self) -> LockCapabilities:
        return LockCapabilities(name="postgresql", durable=True, shared="network")

    async def __aenter__(self) -> Self:
        await self._link.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leases stay until they run out. Whoever still waits is told."""
        try:
            await self._link.close()
        finally:
            self._wake_all()

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
        rows = await self._link.submit(
            RENEW, _key(lease.name), lease.owner, lease.token, round(ttl * _MICROS)
        )
        if not rows:
            raise _over(lease)
        acquired_at, expires_at, _ = rows[0]
        return Lease(
            name=lease.name,
            owner=lease.owner,
            token=lease.token,
            acquired_at=from_micros(acquired_at),
            expires_at=from_micros(expires_at),
        )

    async def release(self, lease: Lease) -> None:
        if not await self._link.submit(RELEASE, _key(lease.name), lease.owner, lease.token):
            raise _over(lease)

    async def inspect(self, name: str) -> Held | None:
        rows = await self._link.submit(INSPECT, _key(name))
        return _held(rows[0]) if rows else None

    async def list(self, *, prefix: str = "", limit: int = 100) -> list[Held]:
        check_limit(limit)
        rows = await self._link.submit(LIST, checked(prefix, "prefix"), limit)
        return [_held(row) for row in rows]

    async def force_release(self, name: str, *, by: str, reason: str) -> Held | None:
        key = _key(name)
        rows = await self._link.submit(FORCE, key, checked(by, "by"), checked(reason, "reason"))
        if not rows:
            return None
        ended = _held(rows[0])
        _log.warning("lock %r of %r (token %d) forced by %r: %s", name, ended.owner, ended.token, by, reason)
        return ended

    async def _try(self, name: str, owner: str, ttl: float) -> tuple[Lease | Held, float]:
        """The lease or who stands in the way, and the seconds that either has left."""
        answer = self._link.submit(ACQUIRE, name, owner, round(ttl * _MICROS))
        try:
            rows = await asyncio.shield(answer)
        except asyncio.CancelledError:
            # It may be granted at this very moment.
            answer.add_done_callback(partial(self._give_back, name))
            raise
        return _found(name, rows[0]), rows[0]["left_micros"] / _MICROS

    def _give_back(self, name: str, answer: asyncio.Future[Rows]) -> None:
        if not answer.cancelled() and answer.exception() is None:
            found = _found(name, answer.result()[0])
            if isinstance(found, Lease):
                self._link.submit(RELEASE, _key(name), found.owner, found.token)

    async def _wait(self, name: str, owner: str, ttl: float, deadline: float) -> Lease | Held:
        """The lease, or who has it at the deadline."""
        key = _key(name).hex()
        # Before the first try, so that nothing that is told after it is missed.
        waiter = Sleeper(self._clock)
        waiters = self._waiters.setdefault(key, [])
        waiters.append(waiter)
        found: Lease | Held | None = None
        try:
            found, left = await self._try(name, owner, ttl)
            while isinstance(found, Held) and (patience := deadline - self._clock.monotonic()) > 0:
                await waiter.doze(min(patience, left))
                found, left = await self._try(name, owner, ttl)
            return found
        finally:
            waiters.remove(waiter)
            if not waiters:
                del self._waiters[key]
            elif not isinstance(found, Lease):
                self._wake(key)  # what woke this one is for the next

    def _wake(self, key: str) -> None:
        for waiter in self._waiters.get(key, ())[:1]:
            waiter.wake()

    def _wake_all(self) -> None:
        for waiters in self._waiters.values():
            for waiter in waiters:
                waiter.wake()


def _check(name: str, owner: str, ttl: float) -> None:
    if not name:
        raise Rejected("name: must not be empty", "name")
    if not owner:
        raise Rejected("owner: must not be empty", "owner")
    checked(name, "name")
    checked(owner, "owner")
    if not 0 < ttl <= MAX_TTL:
        raise Rejected(f"ttl {ttl}: not allowed (more than 0 and at most {MAX_TTL:.0f} seconds)", "ttl")


def _key(name: str) -> bytes:
    return sha256(checked(name, "name").encode()).digest()


def _found(name: str, row: asyncpg.Record) -> Lease | Held:
    kind = Lease if row["granted"] else Held
    return kind(
        name=name,
        owner=row["owner"],
        token=row["token"],
        acquired_at=from_micros(row["acquired_at"]),
        expires_at=from_micros(row["expires_at"]),
    )


def _held(row: asyncpg.Record) -> Held:
    name, owner, token, acquired_at, expires_at = row[:5]
    return Held(
        name=name,
        owner=owner,
        token=token,
        acquired_at=from_micros(acquired_at),
        expires_at=from_micros(expires_at),
    )


def _over(lease: Lease) -> NotHeld:
    return NotHeld(f"lock {lease.name!r}: the lease of {lease.owner!r} (token {lease.token}) is over")
