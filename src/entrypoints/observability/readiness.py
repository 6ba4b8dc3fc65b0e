"""`/healthz` and `/readyz`: whether this process is to be left alone, and whether calls are to be sent to it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from ...ports.errors import PortError

if TYPE_CHECKING:
    from ..wiring import App
    from .measures import Measures

_BUSY = 5.0
"""Seconds that the loop may be late."""
_FRESH = 0.5
_PATIENCE = 2.0


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """`status` is `ok`, or not: then `problems` say why."""

    status: str
    problems: tuple[str, ...] = ()


def check_alive(measures: Measures) -> Check:
    """Whoever reads this was answered by the loop: what is left to say is whether it comes round in time."""
    if measures.loop_lag > _BUSY:
        return _check([f"the event loop was {measures.loop_lag:.1f} s late"], "busy")
    return _check([], "busy")


class Readiness:
    """Whether calls are answered here. The database is asked at most once in half a second, whoever asks."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._schema: int | None = None
        self._asking: asyncio.Task[list[str]] | None = None
        self._asked_at = 0.0
        self.draining = False

    async def open(self) -> None:
        """The schema that this program works with: it has just been brought up to date."""
        self._schema = await self._app.store.schema_version()

    async def check(self) -> Check:
        problems = list(await self._database())
        if self.draining:
            problems.append("draining: this process is about to end")
        if self._app.breaker is not None:
            now = await self._app.breaker.status()
            if now.state == "open" and now.retry_after:
                problems.append(f"circuit breaker {now.name} is open: calls are refused")
        return _check(problems, "unready")

    async def close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking], timeout=_PATIENCE)

    async def _database(self) -> list[str]:
        """Together with whoever asks at the same time. A question without an answer is not asked twice."""
        now = self._app.clock.monotonic()
        if self._asking is None or (self._asking.done() and now - self._asked_at > _FRESH):
            self._asked_at = now
            self._asking = asyncio.create_task(self._ask(), name="readiness")
        done, _ = await asyncio.wait([self._asking], timeout=_PATIENCE)
        return self._asking.result() if done else [f"database: no answer within {_PATIENCE:g} s"]

    async def _ask(self) -> list[str]:
        try:
            schema = await self._app.store.schema_version()
        except PortError as error:
            # What a driver says may name users and hosts, and this is read without a password.
            return [f"database: {error.code}"]
        if schema != self._schema:
            return [f"database: its schema is {schema}, this process works with {self._schema}"]
        return []


def _check(problems: list[str], otherwise: str) -> Check:
    return Check(status=otherwise if problems else "ok", problems=tuple(problems))
