"""The example on diskcache as its user has it: installed beside ours, found, chosen, certified; and a broken one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from .fresh import EXAMPLES, Fresh, certified_by_three_doors

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = EXAMPLES / "agent-memory-diskcache"

BROKEN = """
from agent_memory.ports.adapter import CacheAdapter
from agent_memory_diskcache import CAPABILITIES, make
from agent_memory_diskcache.cache import DiskCache
from agent_memory_diskcache.certification import DiskHarness
from contextlib import asynccontextmanager


class KeepsWhatIsDeleted(DiskCache):
    async def delete(self, key):
        self._shelf.flights.bar(key)


class Harness(DiskHarness):
    def open(self):
        return KeepsWhatIsDeleted(self._shelf, clock=self._clock)


@asynccontextmanager
async def harness(bench):
    yield Harness(bench)


CACHE = CacheAdapter(
    contract=1, summary="broken on purpose", capabilities=CAPABILITIES, make=make, harness="broken_cache:harness"
)
"""
BROKEN_PROJECT = """
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "broken-cache"
version = "1.0.0"
dependencies = ["agent-memory-diskcache"]

[project.entry-points."agent_memory.cache"]
broken = "broken_cache:CACHE"

[tool.hatch.build.targets.wheel]
only-include = ["broken_cache.py"]
"""


def broken_project(folder: Path) -> Path:
    project = folder / "broken-cache"
    project.mkdir()
    (project / "broken_cache.py").write_text(BROKEN)
    (project / "pyproject.toml").write_text(BROKEN_PROJECT)
    return project


@pytest.mark.timeout(600)
def test_it_is_found_chosen_and_certified_and_a_broken_one_is_refused(tmp_path: Path) -> None:
    fresh = Fresh(tmp_path)
    fresh.install(PROJECT, broken_project(tmp_path))

    listed = json.loads(fresh.run("agent-memory", "adapters", "--json").stdout)
    assert "agent-memory-diskcache" in json.dumps(listed)

    certified_by_three_doors(fresh, "cache", "diskcache", PROJECT)

    data = tmp_path / "data"
    remembered, *found = fresh.converse(
        ("memory_remember", {"content": "Giraffes sleep standing."}),
        ("memory_recall", {"query": "giraffes"}),
        ("memory_recall", {"query": "giraffes"}),
        AGENT_MEMORY_DATA_DIR=str(data),
        AGENT_MEMORY_CACHE="diskcache",
    )
    assert not remembered.get("isError")
    assert all("Giraffes sleep standing." in json.dumps(answer) for answer in found)
    assert list(data.rglob("diskcache/0/cache.db")), "the session used another cache"

    refused = fresh.run("agent-memory", "certify", "cache", "broken", "--level", "plain")
    assert refused.returncode == 1
    assert "NOT CERTIFIED: cache adapter broken" in refused.stdout
    assert "CACHE-07" in refused.stdout
    assert "b'one'" in refused.stdout, "what was seen is not told"
