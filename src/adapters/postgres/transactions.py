"""Whole transactions, done again where that is safe.

Safe is what the server undid because others were in the way, what was on a connection that went away before its commit
was sent, and what done twice has the effect of once. Another commit that got no answer may have taken effect: its
caller hears `Unavailable`.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, TypeVar

from .errors import is_lost, is_undone, port_errors
from .transaction import Transaction

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ...ports.clock import Clock
    from .connections import Connection, Connections

T = TypeVar("T")

_TRIES = 8
_PAUSE_SECONDS = 0.002


class Transactions:
    def __init__(self, connections: Connections, *, clock: Clock, origin: str) -> None:
        self._connections = connections
        self._clock = clock
        self.origin = origin
        self.vectors = False
        self.begun = 0
        self.repeated = 0

    async def run(
        self, work: Callable[[Transaction], Awaitable[T]], *, repeatable: bool = False
    ) -> tuple[T, Transaction]:
        """What `work` gave, and the transaction, committed: it knows the numbers of its events.

        `repeatable`: done twice it has the effect of once, so that a commit without an answer is tried again too.
        """
        committing = False

        async def attempt(connection: Connection) -> tuple[T, Transaction]:
            nonlocal committing
            committing = False
            transaction = Transaction(connection, origin=self.origin, vectors=self.vectors)
            await connection.execute("BEGIN")
            result = await work(transaction)
            await transaction.flush()
            committing = True
            await connection.execute("COMMIT")
            return result, transaction

        result, _ = await self._tried(attempt, lambda: repeatable or not committing)
        return result

    async def run_statement(self, work: Callable[[Connection], Awaitable[T]]) -> tuple[T, bool]:
        """For a statement that is its own transaction, and repeatable. What it gave, and whether the first try did."""
        result, tries = await self._tried(work, lambda: True)
        return result, tries == 1

    async def _tried(
        self, attempt: Callable[[Connection], Awaitable[T]], may_repeat: Callable[[], bool]
    ) -> tuple[T, int]:
        self.begun += 1
        for tries in range(1, _TRIES + 1):
            with port_errors(self._connections.name):
                try:
                    async with self._connections.lend() as connection:
                        return await attempt(connection), tries
                except Exception as error:
                    again = is_undone(error) or (is_lost(error) and may_repeat())
                    if tries == _TRIES or not again:
                        raise
            self.repeated += 1
            await self._clock.sleep(_PAUSE_SECONDS * random.uniform(0, 2**tries))  # noqa: S311 - jitter, not a secret
        raise AssertionError("the last try returns or raises")
