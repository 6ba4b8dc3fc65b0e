"""An adapter of someone else's that prints whenever it is touched: what the client reads is the protocol alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from ..unit.wiring.packages import package

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """
import os
from agent_memory.adapters.inprocess.rate_limiter import InProcessRateLimiter
from agent_memory.ports.adapter import RateLimiterAdapter
from agent_memory.ports.rate_limiter import RateLimiterCapabilities

def say(what):
    print("loud:", what)
    os.write(1, b"raw: " + what.encode() + b"\\n")

class Loud(InProcessRateLimiter):
    async def __aenter__(self):
        say("entered")
        return self

    async def __aexit__(self, *_):
        say("left")

    async def hit(self, windows, *, cost=1):
        say("asked")
        return await super().hit(windows, cost=cost)

def make(setup):
    say("made")
    return Loud(clock=setup.clock)

say("loaded")
LIMITER = RateLimiterAdapter(
    contract=1, summary="", capabilities=RateLimiterCapabilities(name="loud", shared="process"), make=make,
    harness="loud:harness",
)
"""
CALLS = [
    {
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"},
        },
    },
    {"method": "notifications/initialized"},
    {"id": 2, "method": "tools/call", "params": {"name": "memory_remember", "arguments": {"content": "x"}}},
]


def test_the_client_reads_the_protocol_alone(tmp_path: Path) -> None:
    package(
        tmp_path / "site",
        "loud_limits",
        {"agent_memory.rate_limiter": {"loud": "loud_limits:LIMITER"}},
        SOURCE,
    )
    ended = subprocess.run(
        [sys.executable, "-m", "agent_memory.entrypoints.cli", "mcp"],
        input="".join(json.dumps({"jsonrpc": "2.0", **call}) + "\n" for call in CALLS),
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYTHONPATH": str(tmp_path / "site"),
            "AGENT_MEMORY_DATA_DIR": str(tmp_path / "data"),
            "AGENT_MEMORY_DAEMON": "off",
            "AGENT_MEMORY_RATE_LIMITER": "loud",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert [json.loads(line)["id"] for line in ended.stdout.splitlines()] == [1, 2]
    for what in ("loaded", "made", "entered", "asked", "left"):
        assert f"loud: {what}\n" in ended.stderr
        assert f"raw: {what}\n" in ended.stderr
