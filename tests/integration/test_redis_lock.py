"""The Redis lock where answers are lost, the server forgets, and clients die."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.inprocess.clock import SystemClock
from agent_memory.adapters.redis.connection import RedisServer
from agent_memory.adapters.redis.lock import RedisLock
from agent_memory.ports.errors import LockTimeout, Misconfigured, NotHeld, Unavailable
from agent_memory_contract.servers.redis import private_server

from .faults import FaultProxy
from .redis_clients import PATIENCE, SAFETY, settings_of, until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from agent_memory.ports.lock import Lease
    from agent_memory_contract.servers.redis_process import RedisProcess

NAME = "file:/src/app.py"
LONG = 600.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def shared() -> Iterator[RedisProcess]:
    process = private_server()
    yield process
    if process.runs:
        process.kill()


@pytest.fixture
async def process(shared: RedisProcess) -> RedisProcess:
    """Empty."""
    async with RedisServer(settings_of(shared.address)) as server:
        await server.execute("FLUSHALL")
    return shared


@asynccontextmanager
async def client(
    process: RedisProcess, *, port: int = 0, clock: str | None = None
) -> AsyncGenerator[RedisLock]:
    settings = settings_of(process.address, port=port, command_timeout=0.5 if port else PATIENCE)
    async with RedisServer(settings, clock=clock) as server, RedisLock(server, clock=SystemClock()) as lock:
        yield lock


@asynccontextmanager
async def proxied(process: RedisProcess) -> AsyncGenerator[tuple[RedisLock, FaultProxy]]:
    """With a connection that is idle, to a server that knows the scripts: the first answer to a new one is that it does
    not, and the second half of the call would not be sent.
    """
    async with FaultProxy("127.0.0.1", process.port) as proxy, client(process, port=proxy.port) as lock:
        await lock.release(await lock.acquire("file:/elsewhere", owner="ada", ttl=LONG))
        assert await lock.inspect(NAME) is None
        yield lock, proxy


@asynccontextmanager
async def server_of(process: RedisProcess) -> AsyncGenerator[RedisServer]:
    async with RedisServer(settings_of(process.address)) as server:
        yield server


async def is_free(lock: RedisLock) -> bool:
    return await lock.inspect(NAME) is None


async def test_its_keys_have_the_documented_names(process: RedisProcess) -> None:
    """The lock's own goes with its lease."""
    async with client(process) as lock, server_of(process) as server:
        lease = await lock.acquire(NAME, owner="ada", ttl=LONG)
        key = "agentmem:lock:file:/src/app.py"
        keys = {"agentmem:locks:token", "agentmem:locks:live"}
        assert {each.decode() for each in await server.execute("KEYS", "*")} == keys | {key}
        assert 0 < await server.execute("PTTL", key) <= LONG * 1000
        await lock.release(lease)
        assert {each.decode() for each in await server.execute("KEYS", "*")} == {"agentmem:locks:token"}


async def test_tokens_grow_though_the_server_came_back_empty(process: RedisProcess) -> None:
    """By a client that stayed, and by one that knows nothing."""
    tokens: list[int] = []
    async with client(process) as stayed:
        for _ in range(3):
            tokens.append((await stayed.acquire(NAME, owner="ada", ttl=LONG)).token)
            await asyncio.to_thread(process.kill)
            await asyncio.to_thread(process.start)
            async with client(process) as fresh:
                lease = await fresh.acquire(NAME, owner="bob", ttl=LONG)
                tokens.append(lease.token)
                await fresh.release(lease)
    assert tokens == sorted(set(tokens))


async def test_tokens_grow_though_the_clock_was_set_back(process: RedisProcess) -> None:
    """On the same data by the last token; after their loss by what the client has seen."""
    past = "local function now_micros() return 1000000 end"
    async with client(process) as lock:
        before = await lock.acquire(NAME, owner="ada", ttl=LONG)
        await lock.release(before)
    async with client(process, clock=past) as lock, server_of(process) as server:
        lease = await lock.acquire(NAME, owner="ada", ttl=LONG)
        assert lease.token == before.token + 1
        await server.execute("FLUSHALL")
        again = await lock.acquire(NAME, owner="ada", ttl=LONG)
        assert again.token == lease.token + 1


async def test_a_lease_whose_answer_was_lost_is_granted_once(process: RedisProcess) -> None:
    """The attempt is sent again, and finds itself granted."""
    async with proxied(process) as (lock, proxy), client(process) as other:
        proxy.stall("to_client")
        acquiring = asyncio.create_task(lock.acquire(NAME, owner="ada", ttl=LONG))
        await until(lambda: taken(other))
        await proxy.mend()
        await proxy.cut()
        lease = await acquiring
        held = await other.inspect(NAME)
        assert held is not None
        assert held.token == lease.token
        await lock.release(lease)


async def taken(lock: RedisLock) -> bool:
    return not await is_free(lock)


async def test_a_lease_granted_in_doubt_is_taken_back(process: RedisProcess) -> None:
    """The caller was told that it has nothing, so it has not, long before the ttl."""
    async with proxied(process) as (lock, proxy), client(process) as other:
        proxy.stall("to_client")
        with pytest.raises(Unavailable):
            await lock.acquire(NAME, owner="ada", ttl=LONG)
        assert not await is_free(other)
        await proxy.mend()
        await proxy.cut()
        await until(lambda: is_free(other))
        await other.acquire(NAME, owner="bob", ttl=LONG)


async def test_what_is_taken_back_is_never_anothers(process: RedisProcess) -> None:
    """Where the lease that nobody knows of was forced, and another holds the name."""
    async with proxied(process) as (lock, proxy), client(process) as other:
        proxy.stall("to_client")
        with pytest.raises(Unavailable):
            await lock.acquire(NAME, owner="ada", ttl=LONG)
        await other.force_release(NAME, by="admin", reason="stuck")
        lease = await other.acquire(NAME, owner="ada", ttl=LONG)
        await proxy.mend()
        await proxy.cut()
        await lock.inspect(NAME)
        await asyncio.sleep(0.1)
        held = await other.inspect(NAME)
        assert held is not None
        assert held.token == lease.token


async def test_an_acquire_cancelled_in_doubt_is_taken_back(process: RedisProcess) -> None:
    async with proxied(process) as (lock, proxy), client(process) as other:
        proxy.stall("to_client")
        acquiring = asyncio.create_task(lock.acquire(NAME, owner="ada", ttl=LONG))
        await until(lambda: taken(other))
        acquiring.cancel()
        await asyncio.wait((acquiring,), timeout=SAFETY)
        assert acquiring.cancelled()
        await proxy.mend()
        await until(lambda: is_free(other))


async def test_a_release_whose_answer_was_lost_is_made_sure_of(process: RedisProcess) -> None:
    """It ends in doubt, never in a lease that goes on."""
    async with proxied(process) as (lock, proxy), client(process) as other:
        lease = await lock.acquire(NAME, owner="ada", ttl=LONG)
        proxy.stall("to_client")
        releasing = asyncio.create_task(lock.release(lease))
        await until(lambda: is_free(other))
        await proxy.mend()
        await proxy.cut()
        with pytest.raises(Unavailable):
            await releasing
        with pytest.raises(NotHeld):
            await lock.release(lease)


async def test_a_waiter_sleeps_through_a_blip(process: RedisProcess) -> None:
    """What was freed meanwhile was not heard: it looks again once it hears."""
    async with proxied(process) as (lock, proxy), client(process) as other, server_of(process) as server:
        lease = await other.acquire(NAME, owner="ada", ttl=LONG)
        waiting = asyncio.create_task(lock.acquire(NAME, owner="bob", ttl=LONG, wait=LONG))
        await until(lambda: heard_by(server, 2))
        await proxy.refuse()
        await other.release(lease)
        await proxy.mend()
        async with asyncio.timeout(SAFETY):
            assert (await waiting).token > lease.token


async def heard_by(server: RedisServer, listeners: int) -> bool:
    [_, count] = await server.execute("PUBSUB", "NUMSUB", "agentmem:locks:freed")
    return bool(count == listeners)


async def test_a_waiter_asks_no_more_than_it_must(process: RedisProcess) -> None:
    """No polling: between its first try and its wake-up the server hears nothing of it."""
    async with client(process) as lock, server_of(process) as server:
        lease = await lock.acquire(NAME, owner="ada", ttl=LONG)
        waiting = asyncio.create_task(lock.acquire(NAME, owner="bob", ttl=LONG, wait=LONG))
        await until(lambda: heard_by(server, 1))
        await lock.inspect(NAME)
        before = await scripts_run(server)
        await asyncio.sleep(0.5)
        assert await scripts_run(server) == before
        await lock.release(lease)
        await waiting
        assert await scripts_run(server) == before + 2


async def scripts_run(server: RedisServer) -> int:
    lines = (await server.execute("INFO", "commandstats")).decode().splitlines()
    [line] = [line for line in lines if line.startswith("cmdstat_evalsha:")]
    return int(line.split("calls=")[1].split(",")[0])


async def test_whoever_waits_when_the_client_closes_is_told(process: RedisProcess) -> None:
    async with server_of(process) as server, client(process) as lock:
        await lock.acquire(NAME, owner="ada", ttl=LONG)
        waiting = asyncio.create_task(lock.acquire(NAME, owner="bob", ttl=LONG, wait=LONG))
        await until(lambda: heard_by(server, 1))
    with pytest.raises(Unavailable, match="closed"):
        await waiting


async def test_what_ran_out_is_forgotten(process: RedisProcess) -> None:
    """A thousand names later nothing of them is left but the last token."""

    async def is_all_there_is() -> bool:
        await lock.release(await lock.acquire("last", owner="ada", ttl=LONG))
        return bool(await server.execute("KEYS", "*") == [b"agentmem:locks:token"])

    async with client(process) as lock, server_of(process) as server:
        for number in range(1000):
            await lock.acquire(f"n{number}", owner="ada", ttl=0.001)
        await until(is_all_there_is)


async def test_many_clients_on_one_name_take_turns_through_restarts(process: RedisProcess) -> None:
    """Each holder's token is greater than those before it, whatever the server forgot."""
    history: list[int] = []

    async def contend(owner: str) -> None:
        async with client(process) as lock:
            for _ in range(8):
                lease = await persistent(lock, owner)
                history.append(lease.token)
                with suppress(NotHeld, Unavailable):  # the server may have forgotten it
                    await lock.release(lease)

    async def has_grown(to: int) -> bool:
        return len(history) >= to

    contenders = [asyncio.create_task(contend(f"agent-{n}")) for n in range(8)]
    for grants in (12, 36):
        await until(partial(has_grown, grants))
        await asyncio.to_thread(process.kill)
        await asyncio.to_thread(process.start)
    async with asyncio.timeout(SAFETY * 2):
        await asyncio.gather(*contenders)
    assert len(history) == len(set(history)) == 64


async def persistent(lock: RedisLock, owner: str) -> Lease:
    async with asyncio.timeout(SAFETY):
        while True:
            try:
                return await lock.acquire(NAME, owner=owner, ttl=5.0, wait=5.0)
            except (Unavailable, LockTimeout):
                await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "command", [("FLUSHALL",), ("DEL", f"agentmem:lock:{NAME}")], ids=lambda each: each[0]
)
async def test_a_waiter_notices_that_the_lock_is_gone_without_a_word(
    process: RedisProcess, command: tuple[str, ...]
) -> None:
    async with client(process) as lock, client(process) as other, server_of(process) as server:
        await lock.acquire(NAME, owner="ada", ttl=LONG)
        waiting = asyncio.create_task(other.acquire(NAME, owner="bob", ttl=LONG, wait=LONG))
        await until(lambda: is_heard(server, 2))
        await server.execute(*command)
        async with asyncio.timeout(SAFETY):
            assert (await waiting).owner == "bob"


async def is_heard(server: RedisServer, listeners: int) -> bool:
    [_, count] = await server.execute("PUBSUB", "NUMSUB", "agentmem:locks:freed")
    return bool(count == listeners)


async def test_who_holds_a_lock_on_a_full_server_can_renew_and_release_it(process: RedisProcess) -> None:
    """A new lock takes room, and is refused."""
    async with client(process) as lock, server_of(process) as server:
        lease = await lock.acquire(NAME, owner="ada", ttl=1.0)
        await server.execute("CONFIG", "SET", "maxmemory", 1)
        try:
            with pytest.raises(Unavailable, match="memory is full: new locks are refused"):
                await lock.acquire("another", owner="ada", ttl=LONG)
            lease = await lock.renew(lease, ttl=LONG)
            held = await lock.inspect(NAME)
            assert held is not None
            assert held.expires_at == lease.expires_at
            await lock.release(lease)
        finally:
            await server.execute("CONFIG", "SET", "maxmemory", 0)


async def test_a_last_token_that_another_program_wrote_is_told_as_what_it_is(process: RedisProcess) -> None:
    async with client(process) as lock, server_of(process) as server:
        await server.execute("SET", "agentmem:locks:token", "mine")
        with pytest.raises(Misconfigured, match="AGENT_MEMORY_REDIS_KEY_PREFIX"):
            await lock.acquire(NAME, owner="ada", ttl=LONG)
        assert await is_free(lock)
