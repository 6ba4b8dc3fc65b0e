"""What is kept: values on disk, and in memory how large they are, until when they hold, and which were used last."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import diskcache

from agent_memory.ports.single_flight import Flights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

_MOST_PROCESSES = 64
_WORD = 8
"""Bytes before each value: until when it holds, in microseconds since 1970."""


class Shelf:
    """Clients that share one are clients of one cache. Opened by the first, closed by the last.

    Decisions are made at once on the event loop, and what they mean for the disk is done by one thread in the same
    order: so a read that was asked for after a change sees it.
    """

    def __init__(self, folder: Path, *, max_bytes: int, max_entries: int) -> None:
        self.flights = Flights()
        self.evictions = 0
        self.bytes = 0
        self._folder = folder
        self._max_bytes = max_bytes
        self._max_entries = max_entries
        self._index: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._clients = 0
        self._opening = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._index)

    async def enter(self) -> None:
        async with self._opening:
            if not self._clients:
                self._thread = ThreadPoolExecutor(1, thread_name_prefix="diskcache")
                await self._do(self._open)
            self._clients += 1

    async def leave(self) -> None:
        async with self._opening:
            self._clients -= 1
            if not self._clients:
                await self._do(self._close)
                self._thread.shutdown()

    async def read(self, key: str, now: int) -> bytes | None:
        found = self._index.get(key)
        if found is None:
            return None
        if found[1] <= now:
            await self.drop(key)
            return None
        self._index.move_to_end(key)
        stored = await self._do(lambda: self._disk.get(_name(key)))
        return None if stored is None else stored[_WORD:]

    async def write(self, key: str, value: bytes, until: int) -> None:
        size = len(_name(key)) + len(value)
        gone = [key] if self._forget(key) else []
        fits = size <= self._max_bytes and self._max_entries > 0
        if fits:
            self._index[key] = (size, until)
            self.bytes += size
            while self.bytes > self._max_bytes or len(self._index) > self._max_entries:
                oldest = next(iter(self._index))
                self._forget(oldest)
                gone.append(oldest)
                self.evictions += 1
        await self._do(
            lambda: self._change(gone, key if fits else None, until.to_bytes(_WORD, "big") + value)
        )

    async def drop(self, key: str) -> None:
        if self._forget(key):
            await self._do(lambda: self._change([key], None, b""))

    async def drop_all(self, prefix: str) -> None:
        gone = [key for key in self._index if key.startswith(prefix)]
        for key in gone:
            self._forget(key)
        await self._do(lambda: self._change(gone, None, b""))

    def distrust(self) -> None:
        """The disk failed: nothing of it is given any more, and all that is on it goes with the next change."""
        self._index.clear()
        self.bytes = 0
        self._is_in_doubt = True

    def _forget(self, key: str) -> bool:
        found = self._index.pop(key, None)
        if found is not None:
            self.bytes -= found[0]
        return found is not None

    async def _do(self, work: Callable[[], T]) -> T:
        """Done also if the caller goes: what was decided is to be true on disk."""
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, work))

    def _change(self, gone: list[str], kept: str | None, stored: bytes) -> None:
        if self._is_in_doubt:
            self._disk.clear()
            self._is_in_doubt = False
        with self._disk.transact():
            for key in gone:
                self._disk.delete(_name(key))
            if kept is not None:
                self._disk.set(_name(kept), stored)

    def _open(self) -> None:
        own = self._claim()
        # Without limits of its own: those are kept here, to the byte.
        self._disk = diskcache.Cache(str(own), eviction_policy="none", cull_limit=0)
        self._is_in_doubt = False
        for name in list(self._disk):
            stored = self._disk.get(name)
            if stored is not None:
                size = len(name) + len(stored) - _WORD
                self._index[_key(name)] = (size, int.from_bytes(stored[:_WORD], "big"))
                self.bytes += size

    def _close(self) -> None:
        self._disk.close()
        os.close(self._claimed)
        self._index.clear()
        self.bytes = 0

    def _claim(self) -> Path:
        """The first folder that no other process has."""
        for number in range(_MOST_PROCESSES):
            own = self._folder / str(number)
            own.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._claimed = os.open(own / "owner", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(self._claimed, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(self._claimed)
            else:
                return own
        raise OSError(f"{self._folder}: {_MOST_PROCESSES} processes have a cache there already")


def _name(key: str) -> bytes:
    return key.encode("utf-8", "surrogatepass")


def _key(name: bytes) -> str:
    return name.decode("utf-8", "surrogatepass")
