"""The command's own process: what is told of one that does not end as it should."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from agent_memory_contract.certifying import Plan, certify, order_of

from ..wiring.packages import on_the_path, package

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """
import os
import threading
from contextlib import asynccontextmanager
from agent_memory.adapters.inprocess.rate_limiter import InProcessRateLimiter
from agent_memory.adapters.inprocess.sliding_log import SlidingLogs
from agent_memory.entrypoints.builtin import INPROCESS_RATE_LIMITER
from agent_memory_contract import inprocess_harnesses
import msgspec

class Ending(InProcessRateLimiter):
    async def peek(self, windows, *, cost=1):
        if windows[0].key == "one":
            os._exit(0)
        return await super().peek(windows, cost=cost)

class Lingering(InProcessRateLimiter):
    async def __aenter__(self):
        threading.Thread(target=threading.Event().wait).start()
        return self

def bench(kind):
    @asynccontextmanager
    async def limiter(bench):
        async with inprocess_harnesses.rate_limiter(bench) as harness:
            logs = SlidingLogs()
            harness.open = harness.second_client = lambda: kind(clock=harness._clock, logs=logs)
            yield harness
    return limiter

ending, lingering = bench(Ending), bench(Lingering)
ENDING = msgspec.structs.replace(INPROCESS_RATE_LIMITER, harness="odd_limits:ending")
LINGERING = msgspec.structs.replace(INPROCESS_RATE_LIMITER, harness="odd_limits:lingering")
"""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    entries = {"ending": "odd_limits:ENDING", "lingering": "odd_limits:LINGERING"}
    package(tmp_path, "odd_limits", {"agent_memory.rate_limiter": entries}, SOURCE)
    on_the_path(tmp_path, monkeypatch)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return []


def test_the_clause_that_ended_the_process_is_named(told: list[str]) -> None:
    plan = Plan(orders=(order_of("ending", port="rate_limiter"),), level="plain")
    assert certify(plan, None, told.append) == 1
    [said] = told
    assert said.startswith("NOT CERTIFIED: rate_limiter adapter ending could not be tried: its process ended")
    assert said.endswith(", with code 0, in the middle of LIMITER-24")


def test_one_that_keeps_the_process_from_ending_is_not_certified(told: list[str]) -> None:
    """A server with it would not end, either."""
    plan = Plan(orders=(order_of("lingering", port="rate_limiter"),), level="plain")
    assert certify(plan, None, told.append) == 1
    [said] = told
    assert said.startswith("NOT CERTIFIED: rate_limiter adapter lingering")
    assert re.search(r"seed 0: \d+ kept\n", said)
    assert "The process did not end within 10 s of the last clause" in said
