from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from . import inprocess_harnesses
from .event_bus_contract import EventBusContract
from .harness import Bench

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from agent_memory.adapters.inprocess.event_bus import InProcessEventBus

    from .inprocess_harness import InProcessHarness


class TestInProcessEventBus(EventBusContract):
    @pytest.fixture
    async def harness(self, tmp_path: Path) -> AsyncGenerator[InProcessHarness[InProcessEventBus]]:
        async with inprocess_harnesses.event_bus(Bench(folder=tmp_path)) as harness:
            yield harness
