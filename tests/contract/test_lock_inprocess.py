from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.entrypoints.builtin import INPROCESS_LOCK

from . import inprocess_harnesses
from .declaration import Declaration
from .harness import Bench
from .lock_contract import LockContract

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from agent_memory.adapters.inprocess.lock import InProcessLock
    from agent_memory.ports.adapter import Adapter

    from .inprocess_harness import InProcessHarness


class TestInProcessLock(Declaration, LockContract):
    @pytest.fixture
    def declared(self) -> Adapter:
        return INPROCESS_LOCK

    @pytest.fixture
    async def harness(self, tmp_path: Path) -> AsyncGenerator[InProcessHarness[InProcessLock]]:
        async with inprocess_harnesses.lock(Bench(folder=tmp_path)) as harness:
            yield harness
