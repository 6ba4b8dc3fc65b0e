"""Whole transactions, done again where that is safe.

Safe is what the server undid because others were in the way, and what was on a connection that went away before its
commit was sent. A commit that got no answer may have taken effect: its caller hears `Unavailable`, and may repeat it
under an idempotency key, or with the same content, without doing it twice.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, TypeVar

from .errors import is_lost, is_undone, port_errors
from .transaction import Transaction

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ...ports.clock import Clock
    from .connections import Connections

T = TypeVar("T")

_TRIES = 8
_PAUSE_SECONDS = 0.002


class Transactions:
    def __init__(self, connections: Connections, *, clock: Clock, origin: str) -> None:
        self._connections = connections
        self._clock = clock
        self._origin = origin
        self.vectors = False

    async def run(self, work: Callable[[Transaction], Awaitable[T]]) -> tuple[T, Transaction]:
        """What `work` gave, and the transaction, committed: it knows the numbers of its events."""
        for attempt in range(1, _TRIES + 1):
            committing = False
            with port_errors(self._connections.name):
                try:
                    async with self._connections.lend() as connection:
                        transaction = Transaction(connection, origin=self._origin, vectors=self.vectors)
                        await connection.execute("BEGIN")
                        result = await work(transaction)
                        await transaction.flush()
                        committing = True
                        await connection.execute("COMMIT")
                        return result, transaction
                except Exception as error:
                    again = is_undone(error) or (is_lost(error) and not committing)
                    if attempt == _TRIES or not again:
                        raise
            await self._clock.sleep(_PAUSE_SECONDS * random.uniform(0, 2**attempt))  # noqa: S311 - jitter, not a secret
        raise AssertionError("the last attempt returns or raises")
