from __future__ import annotations

import pytest

from agent_memory.adapters.inprocess.rate_limiter import InProcessRateLimiter
from agent_memory.adapters.inprocess.sliding_log import SlidingLogs

from .inprocess_harness import InProcessHarness
from .rate_limiter_contract import RateLimiterContract


class TestInProcessRateLimiter(RateLimiterContract):
    @pytest.fixture
    def harness(self) -> InProcessHarness[InProcessRateLimiter]:
        logs = SlidingLogs()
        return InProcessHarness(lambda clock: InProcessRateLimiter(clock=clock, logs=logs))
