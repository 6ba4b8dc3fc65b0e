"""The Lock port on an SQLite file of its own, beside the memory's.

Of its own, so that a lock never waits behind a group commit or an open unit of work, nor they behind locks.
"""

from __future__ import annotations

import asyncio
import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ...ports.errors import LockTimeout, Rejected
from ...ports.lock import MAX_TTL, Held, Lease, LockCapabilities
from .lane import Lane
from .lock_table import LockTable, changes_seen
from .pages import check_limit
from .rows import checked
from .start import Schema, open_writer

if TYPE_CHECKING:
    import os
    import sqlite3
    from types import TracebackType

    from ...ports.clock import Clock

SCHEMA = Schema(Path(__file__).parent / "lock_migrations", 0x41674D6C)
_BUSY_SECONDS = 5.0
_POLL_SECONDS = 0.02
"""How soon a waiter notices another process's release. It costs a PRAGMA each time, while anyone waits."""


class SqliteLock:
    """The file is `<path>-locks`. Waiters of one process are woken one at a time, in the order in which they came."""

    def __init__(self, path: str | os.PathLike[str], *, clock: Clock) -> None:
        path = Path(path)
        self._path = path.with_name(path.name + "-locks")
        self._clock = clock
        self._table = LockTable(clock, _BUSY_SECONDS)
        self._lane = Lane(
            partial(open_writer, self._path, SCHEMA, synchronous="FULL", busy_timeout=_BUSY_SECONDS),
            name=self._path.name,
            together=1,
        )
        self._waiters: dict[str, list[_Waiter]] = {}
        self._watch: asyncio.Task[None] | None = None

    @property
    def capabilities(self) -> LockCapabilities:
        return LockCapabilities(name="sqlite", durable=True, shared="host")

    async def __aenter__(self) -> Self:
        try:
            await self._lane.call(changes_seen)
        except BaseException:
            await self._lane.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leases stay until they run out. Whoever still waits is told."""
        try:
            await self._lane.close()
        finally:
            for waiters in self._waiters.values():
                for waiter in waiters:
                    waiter.wake()

    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        _check(name, owner, ttl)
        if not 0 <= wait < math.inf:
            raise Rejected(f"wait {wait}: not allowed (0 seconds or more, finite)", "wait")
        deadline = self._clock.monotonic() + wait
        found = await self._try(name, owner, ttl)
        if isinstance(found, Held) and wait > 0:
            found = await self._wait(found, owner, ttl, deadline)
        if isinstance(found, Held):
            raise LockTimeout(f"lock {name!r}: held by {found.owner!r}", found)
        return found

    async def renew(self, lease: Lease, *, ttl: float) -> Lease:
        _check(lease.name, lease.owner, ttl)
        renewed = await self._lane.call(partial(self._table.renew, lease=lease, ttl=ttl))
        self._wake(lease.name)  # it may end sooner now
        return renewed

    async def release(self, lease: Lease) -> None:
        released = self._lane.submit(partial(self._table.release, lease=lease))
        released.add_done_callback(lambda _: self._wake(lease.name))
        await released

    async def inspect(self, name: str) -> Held | None:
        return await self._lane.call(partial(self._table.live, name=checked(name, "name")))

    async def list(self, *, prefix: str = "", limit: int = 100) -> list[Held]:
        check_limit(limit)
        return await self._lane.call(
            partial(self._table.leases, prefix=checked(prefix, "prefix"), limit=limit)
        )

    async def force_release(self, name: str, *, by: str, reason: str) -> Held | None:
        checked(name, "name")
        ended = await self._lane.call(
            partial(self._table.force, name=name, by=checked(by, "by"), reason=checked(reason, "reason"))
        )
        if ended is not None:
            import logging  # noqa: PLC0415 - rare, and not needed to start

            logging.getLogger(__name__).warning(
                "lock %r of %r (token %d) forced by %r: %s", name, ended.owner, ended.token, by, reason
            )
            self._wake(name)
        return ended

    async def _try(self, name: str, owner: str, ttl: float) -> Lease | Held:
        found: list[Lease | Held] = []

        def grant(connection: sqlite3.Connection) -> Lease | Held:
            found.append(self._table.grant(connection, name, owner, ttl))
            return found[0]

        def give_back(connection: sqlite3.Connection) -> None:
            if found and isinstance(found[0], Lease):
                self._table.release(connection, found[0])

        try:
            return await self._lane.submit(grant)
        except asyncio.CancelledError:
            # The thread may be granting it at this moment. It takes calls in order, so it will know by then.
            self._lane.submit(give_back).add_done_callback(partial(self._given_back, name))
            raise

    def _given_back(self, name: str, done: asyncio.Future[None]) -> None:
        done.exception()  # a lease that is over already needs no giving back
        self._wake(name)

    async def _wait(self, holder: Held, owner: str, ttl: float, deadline: float) -> Lease | Held:
        """The lease, or who has it at the deadline."""
        name = holder.name
        waiter = _Waiter(self._clock)
        waiters = self._waiters.setdefault(name, [])
        waiters.append(waiter)
        if self._watch is None:
            self._watch = asyncio.create_task(self._watch_others(), name=f"watch {self._path.name}")
        found: Lease | Held = holder
        try:
            while isinstance(found, Held) and (left := deadline - self._clock.monotonic()) > 0:
                until_expiry = (found.expires_at - self._clock.now()).total_seconds()
                await waiter.doze(min(left, max(until_expiry, 0.001)))
                found = await self._try(name, owner, ttl)
            return found
        finally:
            waiters.remove(waiter)
            if not waiters:
                del self._waiters[name]
            elif isinstance(found, Held):
                self._wake(name)  # what woke this one is for the next
            if not self._waiters:
                self._watch.cancel()
                self._watch = None

    async def _watch_others(self) -> None:
        """Another process tells nobody of its release, but the file's version moves."""
        seen = None
        while True:
            version = await self._lane.call(changes_seen)
            if version != seen:
                seen = version
                for name in self._waiters:
                    self._wake(name)
            await self._clock.sleep(_POLL_SECONDS)

    def _wake(self, name: str) -> None:
        for waiter in self._waiters.get(name, ())[:1]:
            waiter.wake()


class _Waiter:
    """Asleep until woken or a moment comes. A wake-up that comes early is kept."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._woken = False
        self._alarm: asyncio.Task[None] | None = None

    def wake(self) -> None:
        self._woken = True
        if self._alarm is not None:
            self._alarm.cancel()

    async def doze(self, seconds: float) -> None:
        if not self._woken:
            self._alarm = asyncio.create_task(self._clock.sleep(seconds))
            try:
                await asyncio.wait((self._alarm,))
            finally:
                self._alarm.cancel()
                self._alarm = None
        self._woken = False


def _check(name: str, owner: str, ttl: float) -> None:
    if not name:
        raise Rejected("name: must not be empty", "name")
    if not owner:
        raise Rejected("owner: must not be empty", "owner")
    checked(name, "name")
    checked(owner, "owner")
    if not 0 < ttl <= MAX_TTL:
        raise Rejected(f"ttl {ttl}: not allowed (more than 0 and at most {MAX_TTL:.0f} seconds)", "ttl")
