"""Guarded calls, as the CircuitBreaker clauses make them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from agent_memory.ports.circuit_breaker import Thresholds
from agent_memory.ports.errors import CircuitOpen, Unavailable

from .suite import running, soon

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from agent_memory.ports.circuit_breaker import CircuitBreaker

THREE = Thresholds(failures=3, reset_timeout=30.0, successes=2)


class Call:
    """A guarded block that stays inside until it is told how to end."""

    def __init__(self, breaker: CircuitBreaker) -> None:
        self.entered = asyncio.Event()
        self._breaker = breaker
        self._ending = asyncio.Event()
        self._error: Exception | None = None

    def end(self, error: Exception | None = None) -> None:
        self._error = error
        self._ending.set()

    async def run(self) -> None:
        async with self._breaker.guard():
            self.entered.set()
            await self._ending.wait()
            if self._error is not None:
                raise self._error


async def succeed(breaker: CircuitBreaker) -> None:
    async with breaker.guard():
        await asyncio.sleep(0)


async def fail(breaker: CircuitBreaker, error: Exception | None = None) -> None:
    failure = Unavailable("the backend is down") if error is None else error
    with pytest.raises(type(failure)):
        async with breaker.guard():
            raise failure


async def trip(breaker: CircuitBreaker, failures: int = THREE.failures) -> None:
    for _ in range(failures):
        await fail(breaker)
    assert (await breaker.status()).state == "open"


async def state_of(breaker: CircuitBreaker) -> str:
    return (await breaker.status()).state


async def refused(breaker: CircuitBreaker) -> CircuitOpen:
    """That a call is not admitted, and its block not run."""
    entered = False
    with pytest.raises(CircuitOpen) as caught:
        async with breaker.guard():
            entered = True
    assert not entered
    return caught.value


@asynccontextmanager
async def admitted(breaker: CircuitBreaker) -> AsyncGenerator[tuple[Call, asyncio.Task[None]]]:
    """A call that is inside its guarded block."""
    call = Call(breaker)
    async with running(call.run()) as task:
        entering = asyncio.create_task(call.entered.wait())
        await soon(asyncio.wait({entering, task}, return_when=asyncio.FIRST_COMPLETED))
        entering.cancel()
        assert call.entered.is_set(), "a call was not admitted"
        yield call, task


async def ended(task: asyncio.Task[None]) -> None:
    """The call is over, and its outcome has been fed or dropped."""
    await soon(asyncio.wait({task}))
