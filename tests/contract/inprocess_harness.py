"""The harness of every in-process adapter: the backend is an object that several of them share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from .harness import HarnessCapabilities
from .manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from agent_memory.ports.clock import Clock

Port_co = TypeVar("Port_co", covariant=True)


class InProcessHarness(Generic[Port_co]):
    """`connect` makes a client of the one backend, entered when used. It is told the backend's clock."""

    capabilities = HarnessCapabilities(second_client=True)

    def __init__(self, connect: Callable[[Clock], AbstractAsyncContextManager[Port_co]]) -> None:
        self._clock = ManualClock()
        self._connect = connect

    def open(self) -> AbstractAsyncContextManager[Port_co]:
        return self._connect(self._clock)

    def second_client(self) -> AbstractAsyncContextManager[Port_co]:
        return self._connect(self._clock)

    async def advance(self, seconds: float) -> None:
        await self._clock.advance(seconds)

    async def sever(self) -> None:
        raise NotImplementedError("nothing lies between a process and itself")

    async def heal(self) -> None:
        raise NotImplementedError("nothing lies between a process and itself")
