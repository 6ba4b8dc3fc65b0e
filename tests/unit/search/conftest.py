from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.inprocess.worker import ThreadWorker
from agent_memory.adapters.sqlite import SqliteStorage
from agent_memory_contract.manual_clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "memory.db"


@pytest.fixture
async def storage(path: Path, clock: ManualClock) -> AsyncIterator[SqliteStorage]:
    async with SqliteStorage(path, clock=clock, origin="a") as opened:
        yield opened


@pytest.fixture
async def worker() -> AsyncIterator[ThreadWorker]:
    async with ThreadWorker() as opened:
        yield opened
