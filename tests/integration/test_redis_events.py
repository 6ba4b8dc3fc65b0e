"""The Redis event bus: what is lost on the way is said, whoever lost it, and to those whom it concerns."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.redis import ear
from agent_memory.adapters.redis.connection import RedisServer
from agent_memory.adapters.redis.event_bus import RedisEventBus
from agent_memory.adapters.redis.event_bus_message import MAX_PAYLOAD, to_bytes
from agent_memory.ports.errors import Rejected, Unavailable
from agent_memory.ports.records import Event, Gap
from agent_memory_contract.servers.free_port import free_port
from agent_memory_contract.servers.redis import private_server
from agent_memory_contract.servers.redis_process import Address

from .faults import FaultProxy
from .redis_clients import SAFETY, settings_of, until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from agent_memory.ports.event_bus import Subscription
    from agent_memory_contract.servers.redis_process import RedisProcess

CHANNEL = "agentmem:events"
AT = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def process() -> Iterator[RedisProcess]:
    process = private_server()
    yield process
    if process.runs:
        process.kill()


def event(number: int, *, payload: bytes = b"") -> Event:
    return Event(kind="entry.added", scope="acme", subject=str(number), at=AT, seq=number, payload=payload)


@asynccontextmanager
async def bus_at(address: Address, *, port: int = 0) -> AsyncGenerator[RedisEventBus]:
    settings = settings_of(address, port=port, command_timeout=0.5, connect_timeout=0.5, max_retries=1)
    async with RedisServer(settings) as server, RedisEventBus(server) as bus:
        yield bus


async def take(subscription: Subscription) -> Event | Gap:
    async with asyncio.timeout(SAFETY):
        return await anext(subscription)


async def gap(subscription: Subscription) -> None:
    assert isinstance(await take(subscription), Gap)


async def until_heard(bus: RedisEventBus, subscription: Subscription, what: Event) -> None:
    """Publish it again and again: at first it may be refused, or go past a subscriber that is still deaf."""

    async def comes() -> bool:
        try:
            await bus.publish([what])
        except Unavailable:
            return False
        return await take(subscription) == what

    await until(comes)


async def test_each_of_many_cuts_is_a_gap_and_no_end(process: RedisProcess) -> None:
    async with (
        FaultProxy("127.0.0.1", process.port) as proxy,
        bus_at(process.address, port=proxy.port) as bus,
        bus.subscribe() as subscription,
    ):
        for number in range(10):
            await bus.publish([event(number)])
            assert await take(subscription) == event(number)
            await proxy.cut()
            await gap(subscription)

            async def hears() -> bool:
                return bus.is_hearing

            await until(hears)


async def test_a_silent_connection_is_noticed(process: RedisProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands, and nothing comes over it any more."""
    monkeypatch.setattr(ear, "_PING_SECONDS", 0.1)
    async with (
        FaultProxy("127.0.0.1", process.port) as proxy,
        bus_at(process.address, port=proxy.port) as bus,
        bus.subscribe() as subscription,
    ):
        proxy.stall()

        async def is_deaf() -> bool:
            return not bus.is_hearing

        await until(is_deaf)
        await proxy.mend()
        await gap(subscription)
        await until_heard(bus, subscription, event(1))


async def test_a_server_killed_and_started_again_is_a_gap(process: RedisProcess) -> None:
    async with bus_at(process.address) as bus, bus.subscribe() as subscription:
        for number in range(2):
            await asyncio.to_thread(process.kill)
            with pytest.raises(Unavailable):
                await bus.publish([event(number)])
            await asyncio.to_thread(process.start)
            await gap(subscription)
            await until_heard(bus, subscription, event(number))


async def test_it_is_entered_without_a_server_and_tells_when_there_is_one(process: RedisProcess) -> None:
    await asyncio.to_thread(process.kill)
    async with bus_at(process.address) as bus, bus.subscribe() as subscription:
        with pytest.raises(Unavailable):
            await bus.publish([event(0)])
        await gap(subscription)
        await asyncio.to_thread(process.start)
        await gap(subscription)
        await until_heard(bus, subscription, event(1))


async def test_others_learn_of_a_lost_event_without_another_being_published(process: RedisProcess) -> None:
    """Their own connection never broke."""
    async with (
        FaultProxy("127.0.0.1", process.port) as proxy,
        bus_at(process.address, port=proxy.port) as publisher,
        bus_at(process.address) as other,
        other.subscribe() as subscription,
    ):
        await publisher.publish([event(0)])
        assert await take(subscription) == event(0)
        await proxy.refuse()
        with pytest.raises(Unavailable):
            await publisher.publish([event(1)])
        await proxy.mend()
        await gap(subscription)
        await until_heard(publisher, subscription, event(2))


async def test_so_do_those_who_had_heard_nothing_of_that_publisher(process: RedisProcess) -> None:
    async with (
        FaultProxy("127.0.0.1", process.port) as proxy,
        bus_at(process.address, port=proxy.port) as publisher,
        bus_at(process.address) as other,
        other.subscribe() as subscription,
    ):
        await proxy.refuse()
        with pytest.raises(Unavailable):
            await publisher.publish([event(0)])
        await proxy.mend()
        await gap(subscription)


async def test_an_answer_that_is_lost_costs_no_order_and_no_repetition(process: RedisProcess) -> None:
    """The event went out, its publisher cannot know: it is told of failure, others get it once."""
    async with (
        FaultProxy("127.0.0.1", process.port) as proxy,
        RedisServer(settings_of(process.address, port=proxy.port, command_timeout=0.5)) as server,
        RedisEventBus(server) as publisher,
        bus_at(process.address) as other,
        other.subscribe() as subscription,
    ):
        await publisher.publish([event(0)])
        proxy.stall("to_client")
        with pytest.raises(Unavailable):
            await publisher.publish([event(1)])
        await proxy.mend()
        await until(lambda: answers(server))
        await publisher.publish([event(2)])
        assert [await take(subscription) for _ in range(3)] == [event(0), event(1), event(2)]


async def answers(server: RedisServer) -> bool:
    try:
        await server.ping()
    except Unavailable:
        return False
    return True


async def test_a_cancelled_publish_leaves_no_hole(process: RedisProcess) -> None:
    async with bus_at(process.address) as bus, bus.subscribe() as subscription:
        for number in range(0, 40, 2):
            publishing = asyncio.create_task(bus.publish([event(number)]))
            for _ in range(number // 2):
                await asyncio.sleep(0)
            publishing.cancel()
            await asyncio.wait((publishing,))
            await bus.publish([event(number + 1)])
            found = await take(subscription)
            if found == event(number):
                found = await take(subscription)
            assert found == event(number + 1)


async def test_a_hole_in_a_publishers_numbers_is_a_gap_and_a_repetition_is_nothing(
    process: RedisProcess,
) -> None:
    async with (
        bus_at(process.address) as bus,
        bus.subscribe() as subscription,
        RedisServer(settings_of(process.address)) as wire,
    ):

        async def say(by: str, *numbers: int) -> None:
            for number in numbers:
                await wire.execute("PUBLISH", CHANNEL, to_bytes(by, number, [event(number)]))

        await say("someone", 7, 8, 8, 7, 9)  # who comes later hears no first
        assert [await take(subscription) for _ in range(3)] == [event(7), event(8), event(9)]
        await say("someone", 11, 12)
        await gap(subscription)
        assert [await take(subscription) for _ in range(2)] == [event(11), event(12)]
        await say("another", 1)
        assert await take(subscription) == event(1)


@pytest.mark.parametrize(
    "said", [b"", b"hello", b"{}", b'{"v":1,"by":"x","n":1,"lost":false,"events":[{}]}', b"\xff"]
)
async def test_what_nobody_can_read_is_a_gap(process: RedisProcess, said: bytes) -> None:
    async with (
        bus_at(process.address) as bus,
        bus.subscribe() as subscription,
        RedisServer(settings_of(process.address)) as wire,
    ):
        await wire.execute("PUBLISH", CHANNEL, said)
        await gap(subscription)
        await bus.publish([event(1)])
        assert await take(subscription) == event(1)


async def test_a_publication_larger_than_one_message_stays_in_order(process: RedisProcess) -> None:
    async with bus_at(process.address) as bus, bus.subscribe(capacity=2_000) as subscription:
        sent = [
            event(number, payload=bytes(MAX_PAYLOAD if number % 100 == 0 else 10)) for number in range(1_000)
        ]
        await bus.publish(sent)
        assert [await take(subscription) for _ in sent] == sent


async def test_text_that_is_no_unicode_is_rejected_and_costs_no_number(process: RedisProcess) -> None:
    async with bus_at(process.address) as bus, bus.subscribe() as subscription:
        await bus.publish([event(1)])
        with pytest.raises(Rejected):
            await bus.publish([Event(kind="entry.added", scope="acme", subject="\ud800", at=AT)])
        await bus.publish([event(2)])
        assert [await take(subscription), await take(subscription)] == [event(1), event(2)]


async def test_a_server_that_gives_up_on_a_slow_reader_costs_a_gap() -> None:
    """It keeps a bounded amount for each subscriber, and drops who is beyond it."""
    process = private_server("--client-output-buffer-limit", "pubsub 64kb 64kb 1")
    async with (
        FaultProxy("127.0.0.1", process.port) as proxy,
        bus_at(process.address, port=proxy.port) as slow,
        bus_at(process.address) as publisher,
        slow.subscribe() as subscription,
    ):
        proxy.stall("to_client")
        # 79 MB: the sockets and the proxy on the way may take 26 before the server keeps anything.
        for start in range(0, 1_200, 10):
            await publisher.publish(
                [event(start, payload=bytes(MAX_PAYLOAD)) for start in range(start, start + 10)]
            )
        await proxy.mend()

        async def is_told() -> bool:
            return isinstance(await take(subscription), Gap)

        await until(is_told)


async def test_it_leaves_soon_where_there_is_no_server() -> None:
    nowhere = Address(host="127.0.0.1", port=free_port())
    async with asyncio.timeout(SAFETY):
        async with bus_at(nowhere) as bus:
            with pytest.raises(Unavailable):
                await bus.publish([event(1)])


async def test_a_closed_one_refuses_subscribers_at_once(process: RedisProcess) -> None:
    settings = settings_of(process.address, command_timeout=10 * SAFETY)
    async with RedisServer(settings) as server:
        async with RedisEventBus(server) as bus:
            pass
        with pytest.raises(Unavailable, match="closed"):
            async with asyncio.timeout(SAFETY), bus.subscribe():
                pass
