"""A subscriber that does not read: what waits for it stays small, and nobody else waits for it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from .daemon.household import MCP, PIPE, Client, a_home, daemon_of, end
from .told import connected, listening, remember

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

URIS = [f"memory://scope/acme/{number:02}{'%78' * 60}/{'%78' * 60}" for number in range(62)]
"""Scopes below the one that is written to, whose entries they inherit."""
SMALL = 16 * 1024
"""What this process itself takes from the pipe before anyone reads."""


@asynccontextmanager
async def one_who_does_not_read(environment: dict[str, str]) -> AsyncGenerator[Client]:
    process = await asyncio.create_subprocess_exec(
        *MCP, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment, limit=SMALL
    )
    try:
        client = Client(process)
        await client.open()
        for uri in URIS:
            client.ask("resources/subscribe", {"uri": uri})
            assert "result" in await client.hear()
        yield client
    finally:
        await end(process)


@pytest.mark.parametrize(("daemon", "bursts"), [(False, 30), (True, 80)])
async def test_what_waits_for_it_is_bounded_and_others_hear_everything(daemon: bool, bursts: int) -> None:
    """Through a daemon more fits in between: the pump's own megabyte, and the socket's."""
    async with AsyncExitStack() as stack:
        home = await stack.enter_async_context(a_home())
        if daemon:
            await stack.enter_async_context(daemon_of(home))
        environment = home.environment(DAEMON="required" if daemon else "off")
        slow = await stack.enter_async_context(one_who_does_not_read(environment))
        quick = await stack.enter_async_context(listening(environment, "2026-07-28", "memory://scope/acme"))
        writer = await stack.enter_async_context(connected(environment))
        for number in range(bursts):
            await remember(writer, f"fact {number}", "acme")
            await quick.heard()  # each in a burst of its own, and at once
        asked = slow.ask("ping", {})
        told: list[str] = []
        while (message := await slow.hear()).get("id") != asked:
            told.append(message["params"]["uri"])
        # What was not told for being slow is told at the end, once; it may come behind the answer.
        assert set(told) == set(URIS)
        assert len(told) < bursts * len(URIS) * 3 / 4
