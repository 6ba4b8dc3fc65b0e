"""The third door: the contract's clauses as tests of this package."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from agent_memory_nats.certification import NatsHarness, harness

from agent_memory_contract.event_bus_contract import EventBusContract
from agent_memory_contract.harness import Bench

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path


class TestNatsEventBus(EventBusContract):
    @pytest.fixture
    async def harness(self, tmp_path: Path) -> AsyncGenerator[NatsHarness]:
        async with harness(Bench(folder=tmp_path)) as made:
            yield made
