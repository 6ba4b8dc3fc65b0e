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


AS_FROM_A_TERMINAL = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from agent_memory.entrypoints.cli import main
sys.exit(main())
"""
"""What a shell begins in the background does not hear of SIGINT, and nothing that it begins."""


def test_one_that_crashes_is_not_certified_and_its_end_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path, "crashing", {"agent_memory.rate_limiter": {"crashing": "crashing:LIMITER"}}, CRASHING)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    told: list[str] = []
    plan = Plan(orders=(Order(port="rate_limiter", name="crashing"),), level="plain")
    assert certify(plan, None, told.append) == NOT_CERTIFIED
    assert "rate_limiter adapter crashing could not be tried: its process was ended by SIGSEGV" in told[0]


def test_each_of_several_is_told_with_its_number_as_soon_as_it_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("crashing", "crashing-too")
    package(
        tmp_path,
        "crashing",
        {"agent_memory.rate_limiter": dict.fromkeys(names, "crashing:LIMITER")},
        CRASHING,
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    told: list[str] = []
    orders = tuple(Order(port="rate_limiter", name=name) for name in names)
    certify(Plan(orders=orders, level="plain", processes=2), None, told.append)
    assert told[0] == "2 adapters, level plain, 2 at once; the longest first"
    assert [line.partition(" NOT CERTIFIED: ")[0] for line in told[1:3]] == ["[1/2]", "[2/2]"]
    assert told[3] == "0 of 2 certified"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_it_leaves_nothing_behind(tmp_path: Path, number: int, code: int) -> None:
    """Told to the command alone, as `kill` and a supervisor do: clauses under way, servers and folders go with it."""
    environment = {name: value for name, value in os.environ.items() if name != "AGENT_MEMORY_TEST_RUN"}
    command = subprocess.Popen(
        [sys.executable, "-c", AS_FROM_A_TERMINAL, "certify", "lock", "redis"],
        env={**environment, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        for begun in ("agent-memory-certify-*/clauses/*", "agent-memory-test-*/*/server.json"):
            until(lambda begun=begun: command.poll() is not None or any(tmp_path.glob(begun)))
        assert command.poll() is None, "it ended by itself"
        command.send_signal(number)
        out, _ = command.communicate(timeout=60)
    finally:
        command.kill()
    assert command.returncode == code
    assert "CERTIFIED" not in out
    assert list(tmp_path.iterdir()) == []
    # A keeper lets go of its folder first, and ends then.
    until(lambda: processes_in(tmp_path) == [])


def until(seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 100
    while not seen():
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
