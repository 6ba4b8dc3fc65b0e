"""Which loop a server gets."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from agent_memory.entrypoints.event_loop import LoopChoice, run
from agent_memory.ports.errors import Misconfigured

if TYPE_CHECKING:
    from pathlib import Path


async def loop_module() -> str:
    return type(asyncio.get_running_loop()).__module__.partition(".")[0]


@pytest.mark.parametrize(
    ("choice", "expected"), [("auto", "uvloop"), ("uvloop", "uvloop"), ("asyncio", "asyncio")]
)
def test_the_loop_is_the_one_chosen(choice: LoopChoice, expected: str) -> None:
    assert run(loop_module(), choice) == expected


@pytest.fixture
def without_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)


@pytest.mark.usefixtures("without_uvloop")
def test_where_uvloop_is_missing_auto_takes_the_standard_loop() -> None:
    assert run(loop_module()) == "asyncio"


@pytest.mark.usefixtures("without_uvloop")
def test_where_uvloop_is_missing_asking_for_it_names_the_setting() -> None:
    with pytest.raises(Misconfigured, match="AGENT_MEMORY_EVENT_LOOP=uvloop: uvloop is not installed"):
        run(loop_module(), "uvloop")


@pytest.mark.parametrize("choice", ["auto", "asyncio", "uvloop"])
def test_the_setting_reaches_the_server(choice: str, tmp_path: Path) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith("AGENT_MEMORY_")}
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "agent_memory.entrypoints.cli", "mcp"],
        env={**own, "AGENT_MEMORY_DB_PATH": str(tmp_path / "memory.db"), "AGENT_MEMORY_EVENT_LOOP": choice},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
    )  # fmt: skip
    imported = any(line.split("|")[-1].strip() == "uvloop" for line in ran.stderr.splitlines())
    assert imported is (choice != "asyncio")
