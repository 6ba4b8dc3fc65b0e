"""The way of the cache to its server: in order, many at once, and never for longer than its callers' patience."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from redis import exceptions as driver

from ...ports.errors import PortError, Unavailable
from .cache_steps import Read, Step, Sweep, command, converse, sweep
from .ending import end

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from redis.asyncio.connection import AbstractConnection

    from ...ports.clock import Clock
    from .cache_keys import CacheKeys
    from .connection import RedisServer

_MOST_AT_ONCE = 1024
_MOST_OCTETS = 8 * 2**20
_MOST_OWED = 10_000
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_CLOSING_SECONDS = 2.0


class CacheLane:
    """One batch at a time, so that a change is never overtaken by a later one, nor by a read of what was before it.

    A change of which nobody knows how it ended is owed: its key is removed before anything else is asked. A server that
    was slow is left alone for a while (`is_shut`), then tried with one batch; one that refuses at once costs nothing
    and is asked again at once.
    """

    def __init__(
        self,
        server: RedisServer,
        keys: CacheKeys,
        *,
        clock: Clock,
        patience: float,
        on_read: Callable[[Read, bytes, float], None],
    ) -> None:
        """`on_read` is told of each value found, before anything can have changed it."""
        self.failures = 0
        self._server = server
        self._keys = keys
        self._clock = clock
        self._patience = patience
        self._on_read = on_read
        self._scripts = server.scripts
        self._steps: deque[Step] = deque()
        self._reads: dict[str, Read] = {}
        """Reads that others may still join."""
        self._reading: dict[str, Read] = {}
        self._owed: dict[str, None] = {}
        self._owed_prefixes: dict[str, None] = {}
        self._stirred = asyncio.Event()
        self._under_way_since: float | None = None
        self._shut_until = 0.0
        self._pauses = 0
        self._worker: asyncio.Task[None] | None = None

    @property
    def is_shut(self) -> bool:
        since = self._under_way_since
        if since is not None and (self._pauses or time.monotonic() - since > self._patience):
            return True
        return time.monotonic() < self._shut_until

    def start(self) -> None:
        self._worker = asyncio.create_task(self._work(), name=f"cache {self._server.name}")

    async def close(self) -> None:
        """What was handed in is done, if the server is there."""
        worker, self._worker = self._worker, None
        if worker is None:
            return
        last = Step("PING", ())
        self._put(last)
        try:
            await asyncio.wait((last.answer,), timeout=0 if self.is_shut else _CLOSING_SECONDS)
        finally:
            await end((worker,))
            while self._steps:
                self._steps.popleft().settle(Unavailable(f"{self._server.name}: closed"))

    async def read(self, key: str) -> Read | None:
        """Answered, or None."""
        read = self._reads.get(key)
        if read is None:
            if self.is_shut or self._worker is None:
                self.failures += 1
                return None
            read = Read(key, self._keys.value(key))
            self._reads[key] = read
            self._put(read)
        return read if await self._outcome(read) else None

    async def ask(self, step: Step) -> Any:
        """None where there is no answer."""
        if not self.hand_in(step):
            return None
        return step.answer.result() if await self._outcome(step) else None

    def hand_in(self, step: Step) -> bool:
        """For who does not wait for its end. False: it will not be done."""
        if step.owed is not None:
            self.outdate(step.owed)
        if self.is_shut or self._worker is None:
            self.failures += 1
            if step.owed is not None:
                self._owe(step.owed)
            return False
        self._put(step)
        return True

    async def clear(self, prefix: str) -> None:
        """Waits for the end of it, however many there are, unless the server fails."""
        self.outdate_all(prefix)
        if self.is_shut or self._worker is None:
            self.failures += 1
            self._owed_prefixes[prefix] = None
            return
        step = Sweep(prefix)
        self._put(step)
        await asyncio.wait((step.answer,))

    def outdate(self, key: str) -> None:
        """What is being read of it was changed."""
        for read in (self._reads.pop(key, None), self._reading.get(key)):
            if read is not None:
                read.is_stale = True

    def outdate_all(self, prefix: str = "") -> None:
        for key in [key for key in (*self._reads, *self._reading) if key.startswith(prefix)]:
            self.outdate(key)

    def _put(self, step: Step) -> None:
        self._steps.append(step)
        self._stirred.set()

    async def _outcome(self, step: Step) -> bool:
        """Whether there is one in time."""
        try:
            # Others may wait for the same.
            await asyncio.shield(step.answer)
        except (PortError, driver.RedisError):
            self.failures += 1
            return False
        return True

    def _lose_patience(self, batch: Sequence[Step]) -> None:
        """With those who stand behind it, too. What was handed in is done all the same, when it can be."""
        for step in (*batch, *self._steps):
            if not isinstance(step, Sweep):
                step.settle(Unavailable(f"{self._server.name}: no answer in time"))

    async def _work(self) -> None:
        while True:
            await self._wait()
            batch = self._next_batch()
            if batch or self._owed or self._owed_prefixes:
                await self._send(batch)

    async def _wait(self) -> None:
        """Until there is something to do. Debts are paid also if nobody asks for anything."""
        if self._owed or self._owed_prefixes:
            pause = max(self._shut_until - time.monotonic(), _FIRST_PAUSE)
            await asyncio.wait((stirred := asyncio.create_task(self._stirred.wait()),), timeout=pause)
            stirred.cancel()
        else:
            await self._stirred.wait()
        self._stirred.clear()

    def _next_batch(self) -> list[Step]:
        batch: list[Step] = []
        octets = 0
        while self._steps and len(batch) < _MOST_AT_ONCE:
            octets += self._steps[0].octets
            if batch and (isinstance(self._steps[0], Sweep) or octets > _MOST_OCTETS):
                break
            step = self._steps.popleft()
            batch.append(step)
            if isinstance(step, Sweep):
                break
            if isinstance(step, Read):
                step.asked_at = self._clock.monotonic()
                if self._reads.get(step.key) is step:
                    del self._reads[step.key]
                self._reading[step.key] = step
        if self._steps:
            self._stirred.set()
        return batch

    async def _send(self, batch: list[Step]) -> None:
        owed, self._owed = self._owed, {}
        prefixes, self._owed_prefixes = self._owed_prefixes, {}
        swept = prefixes or (batch and isinstance(batch[0], Sweep))
        since = self._under_way_since = time.monotonic()
        patience = asyncio.get_running_loop().call_later(self._patience, self._lose_patience, batch)
        try:
            answers = await self._server.start(
                lambda connection: self._converse(connection, batch, owed, prefixes), again=False, retries=0
            )
        except PortError as error:
            self._fail(batch, error)
            self._owed = {**owed, **self._owed}
            self._owed_prefixes = {**prefixes, **self._owed_prefixes}
            self._judge(slow=time.monotonic() - since > self._patience)
        except asyncio.CancelledError:
            self._fail(batch, Unavailable(f"{self._server.name}: closed"))
            raise
        else:
            for step, answer in zip(batch, answers, strict=True):
                if isinstance(answer, Exception) and step.owed is not None:
                    self._owe(step.owed)
                step.settle(answer)
                if isinstance(step, Read) and not (answer is None or isinstance(answer, Exception)):
                    self._on_read(step, answer[0], answer[1])
            self._judge(slow=not swept and time.monotonic() - since > self._patience)
        finally:
            patience.cancel()
            self._under_way_since = None
            self._reading.clear()

    async def _converse(
        self,
        connection: AbstractConnection,
        batch: Sequence[Step],
        owed: dict[str, None],
        prefixes: dict[str, None],
    ) -> list[Any]:
        for prefix in prefixes:
            await sweep(connection, self._keys, prefix)
        if owed:
            names = [name for key in owed for name in (self._keys.value(key), self._keys.claim(key))]
            await command(connection, "UNLINK", *names)
        if batch and isinstance(batch[0], Sweep):
            return [await sweep(connection, self._keys, batch[0].prefix)]
        return await converse(connection, self._scripts, batch) if batch else []

    def _fail(self, batch: Sequence[Step], error: PortError) -> None:
        for step in batch:
            if isinstance(step, Sweep):
                self._owed_prefixes[step.prefix] = None
                self.failures += 1
            elif step.owed is not None:
                self._owe(step.owed)
            step.settle(error)

    def _owe(self, key: str) -> None:
        self._owed[key] = None
        if len(self._owed) > _MOST_OWED:
            self._owed.clear()
            self._owed_prefixes = {"": None}

    def _judge(self, *, slow: bool) -> None:
        if not slow:
            self._pauses = 0
            return
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0**self._pauses)
        self._shut_until = time.monotonic() + pause * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        self._pauses = min(self._pauses + 1, 10)
