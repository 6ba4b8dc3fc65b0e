"""The notify protocol, spoken to a real datagram socket as a service manager has one."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from agent_memory.entrypoints.daemon.notify import Notifier, notifier_from

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@contextmanager
def manager(address: str) -> Generator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.settimeout(5)
        heard.bind("\0" + address[1:] if address.startswith("@") else address)
        yield heard


@pytest.fixture(params=["path", "abstract"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "path":
        return str(tmp_path / "notify")
    return f"@agent-memory-test-{os.getpid()}-{os.urandom(4).hex()}"


async def test_facts_arrive_in_one_datagram(address: str) -> None:
    with manager(address) as heard:
        notifier = notifier_from({"NOTIFY_SOCKET": address})
        notifier.tell("READY=1", "STATUS=serving\n8 clients")
        assert heard.recv(1024) == b"READY=1\nSTATUS=serving 8 clients"
        notifier.close()


async def test_without_a_manager_nothing_happens() -> None:
    for environment in ({}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1"}):
        notifier = notifier_from(environment)
        assert not notifier.heard
        notifier.tell("READY=1")
        notifier.close()


async def test_a_manager_that_is_gone_does_no_harm(tmp_path: Path) -> None:
    notifier = Notifier(str(tmp_path / "nobody"))
    notifier.tell("READY=1")
    notifier.close()


async def test_what_a_slow_manager_cannot_take_yet_is_told_later_in_order(address: str) -> None:
    with manager(address) as heard:
        notifier = Notifier(address)
        heard.setblocking(False)
        while not notifier.waiting:
            notifier.tell("FULL=1")
        notifier.tell("READY=1")
        notifier.tell("STATUS=a")
        seen: list[bytes] = []
        async with asyncio.timeout(10):
            while seen[-1:] != [b"STATUS=a"]:
                await asyncio.sleep(0)
                try:
                    seen.append(heard.recv(1024))
                except BlockingIOError:
                    await asyncio.sleep(0.01)
        assert [line for line in seen if line != b"FULL=1"] == [b"READY=1", b"STATUS=a"]
        notifier.close()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"WATCHDOG_USEC": "2000000"}, 2.0),
        ({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": str(os.getpid())}, 2.0),
        ({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({}, None),
    ],
)
async def test_the_watchdog_is_for_the_process_that_it_names(
    environment: dict[str, str], expected: float | None
) -> None:
    assert notifier_from({"NOTIFY_SOCKET": "/x", **environment}).watchdog == expected
