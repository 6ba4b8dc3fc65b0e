"""The processes of a certification: one that crashes is told, and none outlives the command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent_memory_contract.certifying import NOT_CERTIFIED, Order, Plan, certify

from ..wiring.packages import package

if TYPE_CHECKING:
    from collections.abc import Callable

CRASHING = """
import os, signal
from agent_memory.ports.adapter import RateLimiterAdapter
from agent_memory.ports.rate_limiter import RateLimiterCapabilities

def harness(bench):
    os.kill(os.getpid(), signal.SIGSEGV)

LIMITER = RateLimiterAdapter(
    contract=1, summary="", capabilities=RateLimiterCapabilities(name="crashing", shared="process"),
    make=lambda _: None, harness="crashing:harness",
)
"""


def test_one_that_crashes_is_not_certified_and_its_end_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path, "crashing", {"agent_memory.rate_limiter": {"crashing": "crashing:LIMITER"}}, CRASHING)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    told: list[str] = []
    plan = Plan(orders=(Order(port="rate_limiter", name="crashing"),), level="plain")
    assert certify(plan, None, told.append) == NOT_CERTIFIED
    assert "rate_limiter adapter crashing could not be tried: its process was ended by SIGSEGV" in told[0]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_it_leaves_nothing_behind(tmp_path: Path, number: int, code: int) -> None:
    """Told to the command alone, as `kill` and a supervisor do: clauses under way, servers and folders go with it."""
    environment = {name: value for name, value in os.environ.items() if name != "AGENT_MEMORY_TEST_RUN"}
    command = subprocess.Popen(
        [sys.executable, "-m", "agent_memory.entrypoints.cli", "certify", "lock", "redis"],
        env={**environment, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        until(lambda: any(tmp_path.glob("agent-memory-certify-*/clauses/*")), command)
        until(lambda: any(tmp_path.glob("agent-memory-test-*/*/server.json")), command)
        command.send_signal(number)
        out, _ = command.communicate(timeout=60)
    finally:
        command.kill()
    assert command.returncode == code
    assert "CERTIFIED" not in out
    assert list(tmp_path.iterdir()) == []
    assert processes_in(tmp_path) == []


def until(seen: Callable[[], bool], command: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 100
    while not seen():
        assert command.poll() is None, "it ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.05)


def processes_in(folder: Path) -> list[str]:
    """Those that were started with it as their place for temporary files."""
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"TMPDIR={folder}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_text())
        except OSError:
            continue  # gone meanwhile, or another user's
    return found
