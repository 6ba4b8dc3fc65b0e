"""A lock that is opened when it is first used: most processes lock nothing, and a client waits while one starts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from ..ports.errors import Unavailable

if TYPE_CHECKING:
    import builtins
    from collections.abc import Callable
    from types import TracebackType

    from ..ports.lock import Held, Lease, Lock, LockCapabilities


class LazyLock:
    """The `Lock` that `make` makes, entered and left in one task of its own. Where entering fails, the call that needed
    it is told, and the next one tries again.
    """

    def __init__(self, make: Callable[[], Lock]) -> None:
        self._make = make
        self._made: Lock | None = None
        self._opening: asyncio.Future[Lock] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._leave = asyncio.Event()

    @property
    def capabilities(self) -> LockCapabilities:
        return self._adapter().capabilities

    @property
    def opened(self) -> bool:
        return self._opening is not None and self._opening.done()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave.set()
        if self._keeper is not None:
            await asyncio.shield(self._keeper)

    async def acquire(self, name: str, *, owner: str, ttl: float, wait: float = 0.0) -> Lease:
        return await (await self._lock()).acquire(name, owner=owner, ttl=ttl, wait=wait)

    async def renew(self, lease: Lease, *, ttl: float) -> Lease:
        return await (await self._lock()).renew(lease, ttl=ttl)

    async def release(self, lease: Lease) -> None:
        await (await self._lock()).release(lease)

    async def inspect(self, name: str) -> Held | None:
        return await (await self._lock()).inspect(name)

    async def list(self, *, prefix: str = "", limit: int = 100) -> builtins.list[Held]:
        return await (await self._lock()).list(prefix=prefix, limit=limit)

    async def force_release(self, name: str, *, by: str, reason: str) -> Held | None:
        return await (await self._lock()).force_release(name, by=by, reason=reason)

    async def _lock(self) -> Lock:
        if self._leave.is_set():
            raise Unavailable("locks: closed")
        if self._opening is None:
            self._opening = asyncio.get_running_loop().create_future()
            self._keeper = asyncio.create_task(self._keep(self._opening), name="locks")
        return await asyncio.shield(self._opening)

    async def _keep(self, opening: asyncio.Future[Lock]) -> None:
        try:
            async with self._adapter() as lock:
                opening.set_result(lock)
                await self._leave.wait()
        except Exception as error:
            if opening.done():
                raise
            self._opening = self._made = None
            opening.set_exception(error)
            opening.exception()  # whoever asked may have been cancelled since

    def _adapter(self) -> Lock:
        if self._made is None:
            self._made = self._make()
        return self._made
