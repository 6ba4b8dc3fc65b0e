"""What the certification kit needs: one empty folder a clause, and a clock that it moves. Only the kit loads this."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from agent_memory_contract.harness import HarnessCapabilities
from agent_memory_contract.manual_clock import ManualClock

from .cache import DiskCache
from .shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from agent_memory_contract.harness import Bench


class DiskHarness:
    """Clients share a shelf, as those of one process do. It is durable; nothing lies between it and its disk."""

    capabilities = HarnessCapabilities(second_client=True, durable=True)
    max_bytes = 64 * 1024

    def __init__(self, bench: Bench) -> None:
        self._clock = ManualClock()
        self._shelf = Shelf(bench.folder, max_bytes=self.max_bytes, max_entries=10_000)

    def open(self) -> DiskCache:
        return DiskCache(self._shelf, clock=self._clock)

    def second_client(self) -> DiskCache:
        return self.open()

    async def advance(self, seconds: float) -> None:
        await self._clock.advance(seconds)

    async def sever(self) -> None:
        raise NotImplementedError("nothing lies between a process and its disk")

    async def heal(self) -> None:
        raise NotImplementedError("nothing lies between a process and its disk")


@asynccontextmanager
async def harness(bench: Bench) -> AsyncGenerator[DiskHarness]:
    yield DiskHarness(bench)
