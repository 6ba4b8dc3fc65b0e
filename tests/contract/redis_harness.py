"""The harness of the Redis adapters: keys and a channel of its own, its clock in the test's hands, behind a gate."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from secrets import token_hex
from typing import TYPE_CHECKING, Generic, TypeVar

from agent_memory.adapters.redis.connection import RedisServer
from agent_memory.adapters.redis.settings import RedisSettings
from agent_memory.ports.instants import to_micros
from agent_memory_contract.servers.redis import shared_server

from .harness import HarnessCapabilities
from .manual_clock import ManualClock
from .tcp_gate import TcpGate

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager
    from typing import Self

    from agent_memory.ports.clock import Clock
    from agent_memory_contract.servers.redis_process import Address

Port_co = TypeVar("Port_co", covariant=True)

PATIENCE = 5.0
"""Seconds for an answer: more than a busy machine holds up, less than the suite waits."""

_SLOW = 1_000
"""Keys live so many times longer than scripts ask for, and grow older as the test says: else a busy machine, on which a
clause takes seconds, would let them expire before their time.
"""

# In place of the server's own time. It tells the time of the test that the keys belong to.
_OWN_CLOCK = """
local real, slow = redis, SLOW
local redis = {call = function(name, ...)
    local given = {...}
    if name == 'PEXPIRE' then
        given[2] = given[2] * slow
    elseif name == 'SET' and given[3] == 'PX' then
        given[4] = given[4] * slow
    end
    local answer = real.call(name, unpack(given))
    return name == 'PTTL' and answer > 0 and math.ceil(answer / slow) or answer
end}
local function now_micros() return tonumber(redis.call('GET', 'PREFIXtest-clock')) end
"""

# Scripts may ask for the time, and keys may expire: both move on together. Keys without a life to come are left alone.
_ADVANCE = """
local passed = tonumber(ARGV[2]) * SLOW
for _, key in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do
    local left = redis.call('PTTL', key)
    if left >= 0 and passed > 0 then
        redis.call('PEXPIRE', key, left - passed)
    end
end
redis.call('SET', KEYS[1], ARGV[3])
""".replace("SLOW", str(_SLOW))

_FORGET = """
for _, key in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do redis.call('UNLINK', key) end
"""


def settings_of(address: Address, *, prefix: str) -> RedisSettings:
    return RedisSettings(
        host=address.host,
        port=address.port,
        password=address.password,
        key_prefix=prefix,
        event_channel=f"{prefix}events",
        command_timeout=PATIENCE,
    )


class RedisHarness(Generic[Port_co]):
    """`connect_to` makes a client, entered when used. It is told the server, and the backend's clock."""

    capabilities = HarnessCapabilities(second_client=True, sever=True, durable=True)

    def __init__(
        self,
        source: str,
        connect_to: Callable[[RedisServer, Clock], AbstractAsyncContextManager[Port_co]],
    ) -> None:
        self._source = source
        self._connect_to = connect_to
        self._clock = ManualClock()
        self._stack = AsyncExitStack()
        self._prefix = f"test-{token_hex(8)}:"

    async def __aenter__(self) -> Self:
        address = await asyncio.to_thread(shared_server, self._source)
        self._gate = await self._stack.enter_async_context(TcpGate(address.host, address.port))
        self._behind = await self._stack.enter_async_context(
            RedisServer(settings_of(address, prefix=self._prefix))
        )
        self._stack.push_async_callback(self._behind.execute, "EVAL", _FORGET, 0, self._prefix)
        await self._move(0.0)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def open(self) -> AbstractAsyncContextManager[Port_co]:
        return self._connected(lambda server: self._connect_to(server, self._clock))

    def second_client(self) -> AbstractAsyncContextManager[Port_co]:
        return self.open()

    async def advance(self, seconds: float) -> None:
        await self._move(seconds)
        await self._clock.advance(seconds)
        # Whoever was due now may be on its way to the server and back, a new connection at most.
        connection = await self._behind.connect()
        await self._behind.discard(connection)

    async def sever(self) -> None:
        await self._gate.shut()

    async def heal(self) -> None:
        await self._gate.open()

    @asynccontextmanager
    async def _connected(
        self, connect: Callable[[RedisServer], AbstractAsyncContextManager[Port_co]]
    ) -> AsyncGenerator[Port_co]:
        settings = settings_of(self._gate_address(), prefix=self._prefix)
        clock = _OWN_CLOCK.replace("PREFIX", self._prefix).replace("SLOW", str(_SLOW))
        async with RedisServer(settings, clock=clock) as server, connect(server) as port:
            yield port

    def _gate_address(self) -> Address:
        address = shared_server(self._source)
        return type(address)(host="127.0.0.1", port=self._gate.port, password=address.password)

    async def _move(self, seconds: float) -> None:
        micros = to_micros(self._clock.now()) + round(seconds * 1_000_000)
        await self._behind.execute(
            "EVAL", _ADVANCE, 1, f"{self._prefix}test-clock", self._prefix, round(seconds * 1_000), micros
        )
