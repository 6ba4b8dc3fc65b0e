"""One folder for all processes of a test run, where servers that they share are described: in memory, if it can be."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent_memory_contract.servers.memory_disk import memory_disk
from agent_memory_contract.servers.run_folder import RUN_VARIABLE, begin_run, end_run

if TYPE_CHECKING:
    from collections.abc import Generator

# `benchmarks/` is a folder of programs, not a package that is installed; tests read data as they do.
sys.path.append(str(Path(__file__).parents[1]))

_ours = False


@pytest.hookimpl(wrapper=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """One more than there are processors: many tests wait for processes, servers and leases."""
    workers = yield
    return workers + ("PYTEST_XDIST_AUTO_NUM_WORKERS" not in os.environ)


def pytest_configure(config: pytest.Config) -> None:  # noqa: ARG001 - the hook's
    global _ours  # noqa: PLW0603 - one run a process
    _ours = RUN_VARIABLE not in os.environ
    if place := memory_disk():
        # Workers, and whatever they start, are told so, too.
        os.environ["TMPDIR"] = tempfile.tempdir = place
    begin_run()


def pytest_unconfigure(config: pytest.Config) -> None:  # noqa: ARG001 - the hook's
    if _ours:
        end_run()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that ask for the most time come first, so that none of them is left to one worker at the end."""
    items.sort(key=_allowed, reverse=True)


def _allowed(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    return 0.0 if marker is None else float(marker.args[0])
