"""In-process backends behind a line that can be cut, so that every clause can be tried on them.

The clients here keep every promise: saboteurs derive from them and break one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

from agent_memory.ports.errors import Unavailable
from agent_memory_contract.harness import HarnessCapabilities
from agent_memory_contract.manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextlib import AbstractAsyncContextManager
    from typing import Any

Port_co = TypeVar("Port_co", covariant=True)


class Line:
    """What lies between clients and their backend."""

    def __init__(self) -> None:
        self.is_cut = False
        self.cut = asyncio.Event()
        self.on_heal: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self.background: set[asyncio.Task[Any]] = set()

    def check(self) -> None:
        if self.is_cut:
            raise Unavailable("the line is cut")

    def later(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run it without waiting for it, as a saboteur does what it should have done at once."""
        task = asyncio.create_task(work)
        self.background.add(task)
        task.add_done_callback(self.background.discard)


class CutHarness(Generic[Port_co]):
    capabilities = HarnessCapabilities(second_client=True, sever=True, durable=True)

    def __init__(self, connect: Callable[[ManualClock, Line], AbstractAsyncContextManager[Port_co]]) -> None:
        self.clock = ManualClock()
        self.line = Line()
        self._connect = connect

    def open(self) -> AbstractAsyncContextManager[Port_co]:
        return self._connect(self.clock, self.line)

    def second_client(self) -> AbstractAsyncContextManager[Port_co]:
        return self._connect(self.clock, self.line)

    async def advance(self, seconds: float) -> None:
        await self.clock.advance(seconds)

    async def sever(self) -> None:
        self.line.is_cut = True
        self.line.cut.set()

    async def heal(self) -> None:
        self.line.is_cut = False
        self.line.cut.clear()
        for told in self.line.on_heal:
            await told()
