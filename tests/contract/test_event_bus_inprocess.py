from __future__ import annotations

import pytest

from agent_memory.adapters.inprocess.event_bus import EventHub, InProcessEventBus

from .event_bus_contract import EventBusContract
from .inprocess_harness import InProcessHarness


class TestInProcessEventBus(EventBusContract):
    @pytest.fixture
    def harness(self) -> InProcessHarness[InProcessEventBus]:
        hub = EventHub()
        return InProcessHarness(lambda _: InProcessEventBus(hub=hub))
