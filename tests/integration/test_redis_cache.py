"""The Redis cache: its near tier, loads across instances, and a server that is slow, full or closed to it."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from agent_memory.adapters.inprocess.clock import SystemClock
from agent_memory.adapters.redis import cache_claims
from agent_memory.adapters.redis.cache import RedisCache
from agent_memory.adapters.redis.connection import RedisServer
from agent_memory_contract.servers.redis import private_server

from .faults import FaultProxy
from .redis_clients import settings_of, until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator

    from agent_memory_contract.servers.redis_process import RedisProcess

LONG = 1_000.0


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
    process: RedisProcess, *, port: int = 0, lag: float = 60.0, patience: float = 0.5
) -> AsyncGenerator[RedisCache]:
    """With a lag beyond the test's patience: what it sees of others, it was told."""
    settings = settings_of(process.address, port=port, command_timeout=1.0, connect_timeout=1.0)
    async with (
        RedisServer(settings) as server,
        RedisCache(server, clock=SystemClock(), lag=lag, patience=patience) as cache,
    ):
        yield cache


async def near(cache: RedisCache, process: RedisProcess, key: str) -> None:
    """Return once it is kept in this process, and the server's word of its own writing has come in."""

    async def are_near(*keys: str) -> bool:
        for each in keys:
            await cache.get(each)
        return cache.stats().entries == len(keys)

    async def one_is_gone() -> bool:
        return cache.stats().entries < 2

    await cache.put("marker", b"", ttl=LONG)
    await until(lambda: are_near(key, "marker"))
    async with RedisServer(settings_of(process.address)) as operator:
        await operator.execute("DEL", "agentmem:cache:v:marker")
    await until(one_is_gone)  # and so has what was said before
    await until(lambda: are_near(key))


def returning(value: bytes) -> tuple[list[bytes], Callable[[], Any]]:
    runs: list[bytes] = []

    async def loader() -> bytes:
        runs.append(value)
        return value

    return runs, loader


async def never() -> bytes:
    await asyncio.get_running_loop().create_future()
    raise AssertionError


async def test_what_was_read_is_given_again_without_asking(process: RedisProcess) -> None:
    async with FaultProxy("127.0.0.1", process.port) as proxy, client(process, port=proxy.port) as cache:
        await cache.put("a", b"one", ttl=LONG)
        await near(cache, process, "a")
        asked = proxy.passed["to_server"]
        assert {await cache.get("a") for _ in range(1_000)} == {b"one"}
        assert proxy.passed["to_server"] == asked


@pytest.mark.parametrize("change", ["delete", "put", "clear", "DEL", "FLUSHALL"])
async def test_whoever_changes_a_key_it_leaves_the_near_tier_of_all(
    process: RedisProcess, change: str
) -> None:
    """Another instance, or an operator at redis-cli."""
    async with (
        client(process) as one,
        client(process) as two,
        RedisServer(settings_of(process.address)) as operator,
    ):
        await one.put("a", b"old", ttl=LONG)
        await near(one, process, "a")
        match change:
            case "delete":
                await two.delete("a")
            case "put":
                await two.put("a", b"new", ttl=LONG)
            case "clear":
                await two.clear(prefix="a")
            case "DEL":
                await operator.execute("DEL", "agentmem:cache:v:a")
            case _:
                await operator.execute("FLUSHALL")

        async def is_gone() -> bool:
            return await one.get("a") == (b"new" if change == "put" else None)

        await until(is_gone)


async def test_what_was_being_read_during_a_delete_is_not_kept(process: RedisProcess) -> None:
    async with client(process) as cache:
        for number in range(300):
            key = str(number)
            await cache.put(key, b"old", ttl=LONG)
            reading = asyncio.create_task(cache.get(key))
            for _ in range(number % 30):
                await asyncio.sleep(0)
            await cache.delete(key)
            assert await cache.get(key) is None
            await reading


async def test_a_client_that_is_told_nothing_lags_no_longer_than_it_says(process: RedisProcess) -> None:
    """The connection stands and is silent, as behind a firewall that forgot it."""
    lag = 0.4
    async with (
        FaultProxy("127.0.0.1", process.port) as proxy,
        client(process, port=proxy.port, lag=lag) as deaf,
        client(process) as other,
    ):
        await deaf.put("a", b"old", ttl=LONG)
        await near(deaf, process, "a")
        proxy.stall()
        await other.put("a", b"new", ttl=LONG)
        changed = time.monotonic()
        seen: set[bytes | None] = set()
        while time.monotonic() < changed + 3 * lag:
            begun = time.monotonic()
            value = await deaf.get("a")
            if begun >= changed + lag:
                seen.add(value)
            await asyncio.sleep(0.005)
        assert seen == {None}
        await proxy.mend()

        async def is_new() -> bool:
            return await deaf.get("a") == b"new"

        await until(is_new)


async def test_nothing_is_given_beyond_its_ttl_by_either_tier(process: RedisProcess) -> None:
    ttl = 0.4
    async with client(process) as one, client(process) as two:
        await two.put("a", b"one", ttl=ttl)
        put = time.monotonic()
        given = 0
        while (begun := time.monotonic()) < put + 2 * ttl:
            value = await one.get("a")
            given += value is not None
            assert value is None or begun < put + ttl
            await asyncio.sleep(0.002)
        assert given > 5
        assert one.stats().entries == 0


async def test_a_thousand_reads_at_once_are_a_few_commands(process: RedisProcess) -> None:
    async with (
        client(process, patience=10.0) as cache,
        RedisServer(settings_of(process.address)) as operator,
    ):
        for number in range(1_000):
            await cache.put(str(number), b"%d" % number, ttl=LONG)
        await operator.execute("CONFIG", "RESETSTAT")
        found = await asyncio.gather(*(cache.get(str(number)) for number in range(1_000)))
        assert found == [b"%d" % number for number in range(1_000)]
        stats = (await operator.execute("INFO", "commandstats")).decode()
        [line] = [line for line in stats.splitlines() if line.startswith("cmdstat_evalsha:")]
        assert int(line.partition("calls=")[2].partition(",")[0]) <= 5


async def test_a_slow_server_is_left_alone(process: RedisProcess) -> None:
    """Answers take 2 s: no read takes as long, and fifty of them not much longer than one."""
    async with FaultProxy("127.0.0.1", process.port) as proxy, client(process, port=proxy.port) as cache:
        await cache.put("a", b"one", ttl=LONG)
        proxy.delay(2.0)
        begun = time.monotonic()
        for _ in range(50):
            called = time.monotonic()
            assert await cache.get("a") in {None, b"one"}
            assert time.monotonic() - called < 1.0
        assert time.monotonic() - begun < 3.0
        runs, loader = returning(b"loaded")
        assert await cache.load("b", loader, ttl=LONG) == b"loaded"
        assert runs == [b"loaded"]
        assert cache.stats().failures > 0
        await proxy.mend()

        async def is_back() -> bool:
            return await cache.get("a") == b"one"

        await until(is_back)


async def test_changes_made_while_cut_off_reach_the_others(process: RedisProcess) -> None:
    async with (
        FaultProxy("127.0.0.1", process.port) as proxy,
        client(process, port=proxy.port) as away,
        client(process) as other,
    ):
        for key in ("deleted", "replaced", "cleared:a"):
            await other.put(key, b"old", ttl=LONG)
        await proxy.refuse()
        await away.delete("deleted")
        await away.put("replaced", b"new", ttl=LONG)
        await away.clear(prefix="cleared:")
        await proxy.mend()

        async def are_gone() -> bool:
            return [await other.get(key) for key in ("deleted", "replaced", "cleared:a")] == [None] * 3

        await until(are_gone)


async def test_a_restarted_server_that_knows_nothing_is_used_at_once(process: RedisProcess) -> None:
    """Neither values nor scripts."""
    async with client(process) as cache:
        await cache.put("a", b"one", ttl=LONG)
        await near(cache, process, "a")
        await asyncio.to_thread(process.kill)

        async def is_missed() -> bool:
            return await cache.get("a") is None

        await until(is_missed)
        await asyncio.to_thread(process.start)
        runs, loader = returning(b"two")
        assert await cache.load("a", loader, ttl=LONG) == b"two"
        assert await cache.get("a") == b"two"
        assert runs == [b"two"]


async def test_a_full_server_still_reads_and_forgets() -> None:
    """Nothing new finds room; a former value is not given in its place."""
    full = private_server("--maxmemory-policy", "noeviction")
    async with client(full) as cache, RedisServer(settings_of(full.address)) as operator:
        for key in ("kept", "replaced"):
            await cache.put(key, b"one", ttl=LONG)
        await cache.load("loaded", returning(b"one")[1], ttl=LONG)
        await operator.execute("CONFIG", "SET", "maxmemory", "100kb")
        assert await cache.get("kept") == b"one"
        await cache.put("replaced", b"two", ttl=LONG)
        await cache.put("new", b"one", ttl=LONG)
        assert [await cache.get(key) for key in ("replaced", "new")] == [None, None]
        assert cache.stats().failures > 0
        assert await cache.load("other", returning(b"two")[1], ttl=LONG) == b"two"
        assert await cache.get("other") is None
        await operator.execute("CONFIG", "SET", "maxmemory", "0")
        await cache.put("new", b"two", ttl=LONG)
        assert [await cache.get(key) for key in ("kept", "new")] == [b"one", b"two"]


async def test_without_the_right_password_everything_is_a_miss() -> None:
    closed = private_server("--requirepass", "sesame")
    settings = settings_of(closed.address, password="wrong")
    async with RedisServer(settings) as server, RedisCache(server, clock=SystemClock()) as cache:
        await cache.put("a", b"one", ttl=LONG)
        assert await cache.get("a") is None
        assert await cache.load("a", returning(b"one")[1], ttl=LONG) == b"one"
        assert cache.stats().failures >= 3


async def test_a_load_that_takes_longer_than_its_claim_keeps_it(
    process: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_claims, "_CLAIM_SECONDS", 0.15)
    runs, loader = returning(b"theirs")

    async def slow() -> bytes:
        await asyncio.sleep(0.6)
        return b"mine"

    async with client(process) as one, client(process) as two:
        first = asyncio.create_task(one.load("a", slow, ttl=LONG))
        await asyncio.sleep(0.3)
        assert await two.load("a", loader, ttl=LONG) == b"mine"
        assert await first == b"mine"
    assert runs == []


async def test_another_instances_load_is_waited_for_within_bounds(
    process: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then this one loads too, and the outcome is left to the one who claimed it first."""
    monkeypatch.setattr(cache_claims, "_PATIENCE", 0.3)
    async with client(process) as one, client(process) as two:
        hanging = asyncio.create_task(one.load("a", never, ttl=LONG))

        async def is_claimed() -> bool:
            async with RedisServer(settings_of(process.address)) as operator:
                return bool(await operator.execute("EXISTS", "agentmem:cache:l:a"))

        await until(is_claimed)
        assert await two.load("a", returning(b"two")[1], ttl=LONG) == b"two"
        assert await two.get("a") is None
        hanging.cancel()
        await asyncio.wait((hanging,))
        assert await two.load("a", returning(b"three")[1], ttl=LONG) == b"three"
        assert await two.get("a") == b"three"


async def test_who_waits_is_woken_by_the_end_of_the_load(process: RedisProcess) -> None:
    """Ended well or badly: long before looking again."""

    async def failing() -> bytes:
        begun.set()
        await go.wait()
        raise ValueError("no such thing")

    async with client(process) as one, client(process) as two:
        begun, go = asyncio.Event(), asyncio.Event()
        first = asyncio.create_task(one.load("a", failing, ttl=LONG))
        await begun.wait()
        second = asyncio.create_task(two.load("a", returning(b"two")[1], ttl=LONG))
        await asyncio.sleep(0.05)
        assert not second.done()
        go.set()
        assert await second == b"two"
        with pytest.raises(ValueError, match="no such thing"):
            await first


async def test_a_value_larger_than_goes_to_redis_is_not_kept_and_replaces(process: RedisProcess) -> None:
    async with (
        RedisServer(settings_of(process.address)) as server,
        RedisCache(server, clock=SystemClock(), max_value=1_000) as cache,
    ):
        await cache.put("a", b"one", ttl=LONG)
        await cache.put("a", bytes(1_001), ttl=LONG)
        assert await cache.get("a") is None
        assert await cache.load("a", returning(bytes(1_001))[1], ttl=LONG) == bytes(1_001)
        assert await cache.get("a") is None


async def test_keys_are_where_operators_look_for_them(process: RedisProcess) -> None:
    async with client(process) as cache, RedisServer(settings_of(process.address)) as operator:
        await cache.put("recall:acme", b"one", ttl=LONG)
        assert await operator.execute("KEYS", "*") == [b"agentmem:cache:v:recall:acme"]
        assert 0 < await operator.execute("PTTL", "agentmem:cache:v:recall:acme") <= LONG * 1_000


@pytest.mark.parametrize("change", ["put", "delete", "clear"])
async def test_who_asks_after_a_change_by_another_does_not_join_a_load_from_before_it(
    process: RedisProcess, change: str
) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()

    async def before() -> bytes:
        began.set()
        await go_on.wait()
        return b"from before"

    async def after() -> bytes:
        return b"from after"

    async with client(process) as cache, client(process) as other:
        await other.put("mark", b"", ttl=LONG)
        await near(cache, process, "mark")
        first = asyncio.create_task(cache.load("k", before, ttl=LONG))
        await began.wait()
        match change:
            case "put":
                await other.put("k", b"from after", ttl=LONG)
            case "delete":
                await other.delete("k")
            case _:
                await other.clear(prefix="k")
        await other.delete("mark")

        async def heard() -> bool:
            return cache.stats().entries == 0

        await until(heard)  # and so was what was changed before
        async with asyncio.timeout(10):
            assert await cache.load("k", after, ttl=LONG) == b"from after"
        go_on.set()
        assert await first == b"from before"
        assert await cache.get("k") == b"from after"
