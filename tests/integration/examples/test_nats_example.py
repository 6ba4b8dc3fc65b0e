"""The example on NATS as its user has it, where a NATS server is installed."""

from __future__ import annotations

import asyncio
import json
import shutil
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from .fresh import EXAMPLES, Fresh, certified_by_three_doors

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

PROJECT = EXAMPLES / "agent-memory-nats"
SERVER = shutil.which("nats-server")


@asynccontextmanager
async def nats_server(folder: Path) -> AsyncGenerator[str]:
    assert SERVER is not None
    process = await asyncio.create_subprocess_exec(
        SERVER, *("--addr", "127.0.0.1", "--port", "-1", "--ports_file_dir", str(folder)),
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    told = folder / f"nats-server_{process.pid}.ports"
    try:
        async with asyncio.timeout(20):
            while not (told.exists() and told.read_text().strip().endswith("}")):  # noqa: ASYNC110 - it is another process's file
                await asyncio.sleep(0.01)
        yield json.loads(told.read_text())["nats"][0]
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.skipif(
    SERVER is None, reason="nats-server is not installed (Debian: apt-get install nats-server)"
)
@pytest.mark.timeout(600)
async def test_it_is_found_chosen_and_certified(tmp_path: Path) -> None:
    fresh = Fresh(tmp_path)
    fresh.install(PROJECT)

    listed = json.loads(fresh.run("agent-memory", "adapters", "--json").stdout)
    assert "agent-memory-nats" in json.dumps(listed)

    certified_by_three_doors(fresh, "event_bus", "nats", PROJECT)

    async with nats_server(tmp_path) as url:
        remembered, found = await asyncio.to_thread(
            fresh.converse,
            ("memory_remember", {"content": "Giraffes sleep standing."}),
            ("memory_recall", {"query": "giraffes"}),
            AGENT_MEMORY_DATA_DIR=str(tmp_path / "data"),
            AGENT_MEMORY_EVENT_BUS=url,
        )
    assert not remembered.get("isError")
    assert "Giraffes sleep standing." in json.dumps(found)
