"""File locks: leases on paths, so that agents do not edit the same file at the same time.

Paths are names. Nothing keeps a program that does not ask from writing the file, and a lease that ran out is over: the
token is for whoever can refuse a lower one than it has seen.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..ports.errors import LockTimeout, NotHeld, Rejected
from ..ports.lock import MAX_TTL, Held, Lease
from ..ports.scopes import GLOBAL
from . import limits
from .belonging import check_belonging
from .file_paths import normal_path
from .redaction.redactor import scrubbed
from .results import FileLockResult, LockedFile
from .text import checked_line

if TYPE_CHECKING:
    from ..ports.clock import Clock
    from ..ports.lock import Lock
    from .caller import Caller
    from .redaction.cleaning import Cleaner
    from .requests import FileLock

_ANONYMOUS = "anonymous"
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class FileLocks:
    """Callers of one ceiling exclude each other; those of another neither see nor block them."""

    def __init__(
        self,
        lock: Lock,
        clock: Clock,
        *,
        instance: str,
        ttl: float = limits.FILE_LOCK_SECONDS,
        cleaner: Cleaner | None = None,
    ) -> None:
        """`ttl`, in seconds, is for calls that name none. `instance` tells callers apart that give no agent id."""
        self._lock = lock
        self._clock = clock
        self._instance = instance
        self._ttl = ttl
        self._cleaner = cleaner

    async def act(self, request: FileLock, caller: Caller) -> FileLockResult:
        """`LockTimeout` tells a loser who holds the file, `NotHeld` a former holder. Whether the caller may force is
        for the entrypoint to know.
        """
        if self._cleaner is not None:
            self._cleaner.refuse_secrets(("file_path", request.file_path), ("agent_id", request.agent_id))
        check_belonging(request, request.action)
        if request.action == "list":
            return await self._list(caller)
        if request.file_path is None:
            raise Rejected(f"file_path is missing; {request.action} needs it", "file_path")
        path = normal_path(request.file_path)
        agent = caller.holder_name(request.agent_id) or f"{caller.client or _ANONYMOUS} {self._instance}"
        name = _namespace(caller) + path
        match request.action:
            case "checkout":
                return await self._checkout(request, path, name, agent)
            case "renew" | "checkin":
                return await self._with_token(request, path, name, agent)
            case "status":
                return _status(path, await self._lock.inspect(name), agent)
            case "force_unlock":
                return await self._force(request, path, name, agent)

    async def held(self, caller: Caller) -> int:
        """How many files are locked, at most `limits.FILE_LOCKS`."""
        return len(await self._lock.list(prefix=_namespace(caller), limit=limits.FILE_LOCKS))

    async def _checkout(self, request: FileLock, path: str, name: str, agent: str) -> FileLockResult:
        try:
            lease = await self._lock.acquire(
                name, owner=agent, ttl=self._ttl_of(request), wait=request.wait_seconds
            )
        except LockTimeout as error:
            raise LockTimeout(self._taken(path, error.holder, agent), error.holder) from None
        return _yours(path, lease)

    async def _with_token(self, request: FileLock, path: str, name: str, agent: str) -> FileLockResult:
        if request.token is None:
            raise Rejected(
                f"token is missing; {request.action} needs the one that checkout answered", "token"
            )
        # The times of a lease are for its reader: owner and token prove it.
        lease = Lease(name=name, owner=agent, token=request.token, acquired_at=_NEVER, expires_at=_NEVER)
        try:
            if request.action == "renew":
                return _yours(path, await self._lock.renew(lease, ttl=await self._renewal(request, lease)))
            await self._lock.release(lease)
        except NotHeld:
            raise await self._over(lease, path) from None
        return FileLockResult(file_path=path, status="free")

    async def _renewal(self, request: FileLock, lease: Lease) -> float:
        """Where none is named, no less than is left."""
        if request.ttl_seconds is not None:
            return request.ttl_seconds
        held = await self._lock.inspect(lease.name)
        left = 0.0 if held is None else (held.expires_at - self._clock.now()).total_seconds()
        return min(MAX_TTL, max(self._ttl, left))

    async def _list(self, caller: Caller) -> FileLockResult:
        prefix = _namespace(caller)
        found = await self._lock.list(prefix=prefix, limit=limits.FILE_LOCKS + 1)
        files = [
            LockedFile(
                file_path=held.name.removeprefix(prefix),
                agent=held.owner,
                since=held.acquired_at,
                until=held.expires_at,
            )
            for held in found[: limits.FILE_LOCKS]
        ]
        return FileLockResult(locks=tuple(files), truncated=len(found) > limits.FILE_LOCKS)

    async def _force(self, request: FileLock, path: str, name: str, agent: str) -> FileLockResult:
        """The adapter logs who, whose and why, and keeps it where it is durable."""
        reason = scrubbed(checked_line(request.reason, "reason", most=limits.REASON_CHARS))
        if not reason:
            raise Rejected("reason is missing: say why another's lock has to end; it is logged", "reason")
        ended = await self._lock.force_release(name, by=agent, reason=reason)
        if ended is None:
            return FileLockResult(file_path=path, status="free")
        return FileLockResult(
            file_path=path,
            status="free",
            ended=LockedFile(
                file_path=path, agent=ended.owner, since=ended.acquired_at, until=ended.expires_at
            ),
        )

    async def _over(self, lease: Lease, path: str) -> NotHeld:
        held = await self._lock.inspect(lease.name)
        lost = f"{path}: {lease.owner!r} does not hold it with token {lease.token}"
        if held is None:
            return NotHeld(
                f"{lost}; it is free: that lock ran out or was ended, so look at the file, then check out"
            )
        if held.owner == lease.owner:
            return NotHeld(f"{lost}, but with token {held.token}, until {_at(held.expires_at)}")
        return NotHeld(f"{lost}; {held.owner!r} has it since {_at(held.acquired_at)}: leave the file alone")

    def _taken(self, path: str, holder: Held | None, agent: str) -> str:
        if holder is None:
            return f"{path} is checked out by another agent"
        left = max(0.0, (holder.expires_at - self._clock.now()).total_seconds())
        span = f"since {_at(holder.acquired_at)}, until {_at(holder.expires_at)} (in {left:.0f} s) unless renewed"
        if holder.owner == agent:
            return f"{path} is yours already {span}, with token {holder.token}: renew it or check it in"
        return (
            f"{path} is checked out by {holder.owner!r} {span}; wait for it with wait_seconds "
            f"(at most {limits.FILE_LOCK_WAIT_SECONDS}) or do something else first"
        )

    def _ttl_of(self, request: FileLock) -> float:
        return self._ttl if request.ttl_seconds is None else request.ttl_seconds


def _namespace(caller: Caller) -> str:
    """What the names of a caller's locks begin with. A scope has no `:`, so that no two of them overlap."""
    return "file:" if caller.ceiling == GLOBAL else f"file@{caller.ceiling}:"


def _yours(path: str, held: Lease | Held) -> FileLockResult:
    return FileLockResult(
        file_path=path,
        status="yours",
        agent=held.owner,
        since=held.acquired_at,
        until=held.expires_at,
        token=held.token,
    )


def _status(path: str, held: Held | None, agent: str) -> FileLockResult:
    """The token only for its owner: who lost it finds it again, and nobody else takes it for theirs."""
    if held is None:
        return FileLockResult(file_path=path, status="free")
    if held.owner == agent:
        return _yours(path, held)
    return FileLockResult(
        file_path=path, status="taken", agent=held.owner, since=held.acquired_at, until=held.expires_at
    )


def _at(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")
