"""One load for all instances: who claims a missing value loads it, the others wait for the outcome."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from .cache_steps import Step

if TYPE_CHECKING:
    from types import TracebackType

    from .cache_keys import CacheKeys
    from .cache_lane import CacheLane

_CLAIM_SECONDS = 5.0
"""How long a claim outlives its instance. One that lives prolongs it."""
_PATIENCE = 2.0
"""Seconds that another instance's load is waited for."""
_LOOK_AGAIN = 0.1
"""Changes are told by the server; where it is not heard, they are looked for."""


class Claim:
    """The right to load. Leaving the block ends it, unless its load was kept; if that went wrong, others need not wait
    for it to run out.
    """

    def __init__(
        self, lane: CacheLane, keys: tuple[bytes, bytes, bytes], claimant: str, clears: bytes
    ) -> None:
        self._lane = lane
        self._keys = keys
        self._claimant = claimant
        self._clears_then = clears
        self._given = False
        self._prolonging: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        self._await_prolonging()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._prolonging is not None:
            self._prolonging.cancel()
        if not self._given:
            self._keep(0)

    async def stands(self) -> bool:
        """Nothing has changed the key since, as far as anyone can say."""
        arguments = (self._claimant, int(_CLAIM_SECONDS * 1_000))
        answer: object = await self._lane.ask(Step("cache_keep_claim", self._keys[1:2], arguments))
        return answer != 0

    async def give(self, value: bytes, millis: int) -> None:
        arguments = (self._claimant, self._clears_then, value, millis)
        answer = await self._lane.ask(Step("cache_give", self._keys, arguments))
        self._given = answer is not None

    def _await_prolonging(self) -> None:
        self._prolonging = asyncio.get_running_loop().call_later(_CLAIM_SECONDS / 3, self._prolong)

    def _prolong(self) -> None:
        self._keep(int(_CLAIM_SECONDS * 1_000))
        self._await_prolonging()

    def _keep(self, millis: int) -> None:
        self._lane.hand_in(Step("cache_keep_claim", self._keys[1:2], (self._claimant, millis)))


class Claims:
    def __init__(self, lane: CacheLane, keys: CacheKeys) -> None:
        self._lane = lane
        self._keys = keys
        self._waiting: dict[str, list[asyncio.Event]] = {}

    async def stake(self, key: str, claimant: str) -> Claim | bytes | None:
        """The right to load, or what another has loaded; None: nobody can say, or the other takes too long."""
        keys = (self._keys.value(key), self._keys.claim(key), self._keys.clears)
        give_up = time.monotonic() + _PATIENCE
        stirred = asyncio.Event()
        self._waiting.setdefault(key, []).append(stirred)
        try:
            while True:
                stirred.clear()
                match await self._ask(keys, claimant):
                    case [0, bytes(value)]:
                        return value
                    case [1, bytes(clears)]:
                        return Claim(self._lane, keys, claimant, clears)
                    case [2] if time.monotonic() < give_up:
                        with suppress(TimeoutError):
                            await asyncio.wait_for(stirred.wait(), _LOOK_AGAIN)
                    case _:
                        return None
        finally:
            waiting = self._waiting[key]
            waiting.remove(stirred)
            if not waiting:
                del self._waiting[key]

    async def _ask(self, keys: tuple[bytes, bytes, bytes], claimant: str) -> object:
        answer = None
        try:
            answer = await self._lane.ask(Step("cache_claim", keys, (claimant, int(_CLAIM_SECONDS * 1_000))))
        finally:
            if answer is None:  # it may be granted all the same
                self._lane.hand_in(Step("cache_keep_claim", keys[1:2], (claimant, 0)))
        return answer

    def stir(self, key: str) -> None:
        for stirred in self._waiting.get(key, ()):
            stirred.set()

    def stir_all(self) -> None:
        for key in self._waiting:
            self.stir(key)
