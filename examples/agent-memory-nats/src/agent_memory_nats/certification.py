"""What the certification kit needs: a server, a subject of its own, and a gate before it. Only the kit loads this."""

from __future__ import annotations

import asyncio
import json
import shutil
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from agent_memory_contract.harness import HarnessCapabilities
from agent_memory_contract.tcp_gate import TcpGate

from .event_bus import NatsEventBus

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from agent_memory_contract.harness import Bench

_STARTING = 20.0
_MOMENT = 0.05
"""Real seconds that an advance of the clock takes: the driver's back-off goes by the network's own time."""


class NatsHarness:
    """A bus has no clock of its own: nothing that it promises happens at a certain time."""

    capabilities = HarnessCapabilities(second_client=True, sever=True)

    def __init__(self, gate: TcpGate) -> None:
        self._gate = gate
        self._subject = f"certified.{token_hex(8)}"

    def open(self) -> NatsEventBus:
        return NatsEventBus(f"nats://127.0.0.1:{self._gate.port}", subject=self._subject)

    def second_client(self) -> NatsEventBus:
        return self.open()

    async def advance(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, _MOMENT))

    async def sever(self) -> None:
        await self._gate.shut()

    async def heal(self) -> None:
        await self._gate.open()


@asynccontextmanager
async def harness(bench: Bench) -> AsyncGenerator[NatsHarness]:
    async with server(bench) as (host, port), TcpGate(host, port) as gate:
        yield NatsHarness(gate)


@asynccontextmanager
async def server(bench: Bench) -> AsyncGenerator[tuple[str, int]]:
    """The one that was named, or one started for this clause on a free port, and ended after it."""
    if bench.url:
        place = urlsplit(bench.url)
        yield place.hostname or "127.0.0.1", place.port or 4222
        return
    program = shutil.which("nats-server")
    if program is None:
        raise FileNotFoundError("nats-server is not on the path: install it, or name a server with --url")
    process = await asyncio.create_subprocess_exec(
        program,
        *("--addr", "127.0.0.1", "--port", "-1", "--ports_file_dir", str(bench.folder)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(_STARTING):
            port = await _port(bench.folder / f"nats-server_{process.pid}.ports")
        yield "127.0.0.1", port
    finally:
        process.terminate()
        await process.wait()


async def _port(told: Path) -> int:
    """What the server writes once it listens."""
    while True:
        try:
            [url] = json.loads(told.read_text())["nats"]  # noqa: ASYNC240 - a line, once
        except (FileNotFoundError, ValueError):
            await asyncio.sleep(0.01)
        else:
            return urlsplit(url).port or 0
