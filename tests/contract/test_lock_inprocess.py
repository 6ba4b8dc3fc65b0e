from __future__ import annotations

import pytest

from agent_memory.adapters.inprocess.lock import InProcessLock
from agent_memory.adapters.inprocess.lock_table import LockTable

from .inprocess_harness import InProcessHarness
from .lock_contract import LockContract


class TestInProcessLock(LockContract):
    @pytest.fixture
    def harness(self) -> InProcessHarness[InProcessLock]:
        table = LockTable()
        return InProcessHarness(lambda clock: InProcessLock(clock=clock, table=table))
