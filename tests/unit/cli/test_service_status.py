"""`agent-memory service status` and `uninstall`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from agent_memory.entrypoints import cli

from .fake_systemd import FakeSystemd

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSystemd:
    return FakeSystemd(tmp_path, monkeypatch)


def _service(*arguments: str) -> int:
    return cli.main(["service", *arguments])


def test_status_says_whether_it_runs_by_its_exit_code(
    systemd: FakeSystemd, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _service("status") == 1
    assert f"absent    {systemd.units}/agent-memory.service" in capsys.readouterr().out
    assert _service("install") == 0
    capsys.readouterr()
    assert _service("status", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["runs"] is True
    assert found["service"] == {"active": "active", "pid": "7"}
    assert set(found["files"].values()) == {"ours"}


def test_status_tells_a_unit_that_was_edited(
    systemd: FakeSystemd, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _service("install") == 0
    (systemd.units / "agent-memory.socket").write_text("[Socket]\n")
    capsys.readouterr()
    assert _service("status") == 0
    assert f"edited    {systemd.units}/agent-memory.socket" in capsys.readouterr().out


def test_uninstall_stops_it_removes_the_units_and_keeps_the_settings(systemd: FakeSystemd) -> None:
    assert _service("install", "SCOPE=acme") == 0
    systemd.calls()
    assert _service("uninstall") == 0
    assert systemd.calls() == [
        "--user show --property=Version",
        "--user disable --now agent-memory.socket agent-memory.service",
        "--user daemon-reload",
    ]
    assert list(systemd.units.iterdir()) == []
    assert systemd.environment.exists()


def test_uninstall_of_what_is_not_there_is_done_already(systemd: FakeSystemd) -> None:
    assert _service("uninstall") == 0
    assert systemd.calls() == []


def test_uninstall_leaves_what_a_person_edited_unless_told(
    systemd: FakeSystemd, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _service("install") == 0
    unit = systemd.units / "agent-memory.service"
    unit.write_text(unit.read_text() + "# mine\n")
    assert _service("uninstall") == 1
    assert "edited by hand" in capsys.readouterr().err
    assert (systemd.units / "agent-memory.socket").exists()
    assert _service("uninstall", "--force") == 0
    assert list(systemd.units.iterdir()) == []


@pytest.mark.parametrize("action", ["status", "uninstall"])
def test_without_systemd_both_say_so(
    action: str, systemd: FakeSystemd, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _service("install") == 0
    systemd.is_down()
    assert _service(action) == 1
    assert "systemd does not run here" in capsys.readouterr().err
    assert (systemd.units / "agent-memory.service").exists()
