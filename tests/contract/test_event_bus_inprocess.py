from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.entrypoints.builtin import INPROCESS_EVENT_BUS

from . import inprocess_harnesses
from .declaration import Declaration
from .event_bus_contract import EventBusContract
from .harness import Bench

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from agent_memory.adapters.inprocess.event_bus import InProcessEventBus
    from agent_memory.ports.adapter import Adapter

    from .inprocess_harness import InProcessHarness


class TestInProcessEventBus(Declaration, EventBusContract):
    @pytest.fixture
    def declared(self) -> Adapter:
        return INPROCESS_EVENT_BUS

    @pytest.fixture
    async def harness(self, tmp_path: Path) -> AsyncGenerator[InProcessHarness[InProcessEventBus]]:
        async with inprocess_harnesses.event_bus(Bench(folder=tmp_path)) as harness:
            yield harness
