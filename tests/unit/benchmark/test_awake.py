"""Cores kept from sleeping: by processes that are there meanwhile and gone after."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from agent_memory.entrypoints.benchmark.awake import awake
from agent_memory.ports.errors import Rejected

linux = pytest.mark.skipif(sys.platform != "linux", reason="the priority is Linux's")


def children() -> list[int]:
    return [
        int(pid)
        for task in Path("/proc/self/task").iterdir()
        for pid in (task / "children").read_text().split()
    ]


@linux
def test_one_a_core_that_runs_only_when_nothing_else_wants_to() -> None:
    before = set(children())
    with awake():
        beside = set(children()) - before
        assert len(beside) == len(os.sched_getaffinity(0))
        assert {os.sched_getscheduler(pid) for pid in beside} == {os.SCHED_IDLE}
        assert set().union(*(os.sched_getaffinity(pid) for pid in beside)) == os.sched_getaffinity(0)
    assert beside.isdisjoint(children())


@linux
def test_they_are_gone_after_an_error_too() -> None:
    before = set(children())
    with pytest.raises(KeyError), awake():
        raise KeyError
    assert set(children()) <= before


def test_where_there_is_no_such_priority_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "SCHED_IDLE", raising=False)
    with pytest.raises(Rejected, match="awake"), awake():
        pass
