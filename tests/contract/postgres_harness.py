"""The harness of the small PostgreSQL adapters: a database of its own, its clock in the test's hands, behind a gate."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from agent_memory.ports.instants import to_micros
from agent_memory_contract.servers.postgres import connect, fresh_database
from agent_memory_contract.servers.postgres_template import migrated_template

from .harness import HarnessCapabilities
from .manual_clock import ManualClock
from .tcp_gate import TcpGate

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from typing import Self

    from agent_memory.adapters.postgres.config import PostgresSettings
    from agent_memory.ports.clock import Clock

Port_co = TypeVar("Port_co", covariant=True)

_OWN_CLOCK = """
CREATE TABLE agent_memory.test_clock (micros bigint NOT NULL);
INSERT INTO agent_memory.test_clock VALUES (0);
CREATE OR REPLACE FUNCTION agent_memory.now_micros() RETURNS bigint LANGUAGE sql VOLATILE
    RETURN (SELECT micros FROM agent_memory.test_clock);
"""


class PostgresHarness(Generic[Port_co]):
    """`connect_to` makes a client, entered when used. It is told where, and the backend's clock."""

    capabilities = HarnessCapabilities(second_client=True, sever=True, durable=True)

    def __init__(
        self,
        source: str,
        connect_to: Callable[[PostgresSettings, Clock], AbstractAsyncContextManager[Port_co]],
    ) -> None:
        self._source = source
        self._connect_to = connect_to
        self._clock = ManualClock()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        template = await migrated_template(self._source)
        self._direct = await self._stack.enter_async_context(fresh_database(self._source, template=template))
        self._gate = await self._stack.enter_async_context(TcpGate(self._direct.host, self._direct.port))
        self._behind = await connect(self._direct)
        self._stack.push_async_callback(self._behind.close)
        await self._behind.execute(_OWN_CLOCK)
        await self._set_server_clock(0.0)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def open(self) -> AbstractAsyncContextManager[Port_co]:
        settings = msgspec.structs.replace(self._direct, host="127.0.0.1", port=self._gate.port)
        return self._connect_to(settings, self._clock)

    def second_client(self) -> AbstractAsyncContextManager[Port_co]:
        return self.open()

    async def advance(self, seconds: float) -> None:
        await self._set_server_clock(seconds)
        await self._clock.advance(seconds)
        # Whoever was due now may be on its way to the server and back, a new connection at most.
        await (await connect(self._direct)).close()

    async def sever(self) -> None:
        await self._gate.shut()

    async def heal(self) -> None:
        await self._gate.open()

    async def _set_server_clock(self, ahead: float) -> None:
        micros = to_micros(self._clock.now()) + round(ahead * 1_000_000)
        await self._behind.execute("UPDATE agent_memory.test_clock SET micros = $1", micros)
