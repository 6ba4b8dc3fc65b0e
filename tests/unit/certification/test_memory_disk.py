from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from agent_memory_contract.servers import memory_disk as module
from agent_memory_contract.servers.memory_disk import memory_disk

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def unchosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(module, "ROOM", 0)


def test_a_disk_with_room_is_used(tmp_path: Path) -> None:
    assert memory_disk(tmp_path) == str(tmp_path)


def test_who_sets_tmpdir_has_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/elsewhere")
    assert memory_disk(tmp_path) is None


def test_a_disk_without_room_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROOM", 2**62)
    assert memory_disk(tmp_path) is None


def test_a_disk_that_runs_no_programs_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = os.statvfs(tmp_path)
    without = os.statvfs_result([*here[:8], here.f_flag | os.ST_NOEXEC, here.f_namemax])

    def statvfs(_: Path) -> os.statvfs_result:
        return without

    monkeypatch.setattr(os, "statvfs", statvfs)
    assert memory_disk(tmp_path) is None


def test_where_there_is_none_nothing_is_said(tmp_path: Path) -> None:
    assert memory_disk(tmp_path / "missing") is None
