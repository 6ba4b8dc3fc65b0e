"""`agent-memory config`."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from agent_memory.entrypoints import cli
from agent_memory.entrypoints.settings import SETTINGS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("AGENT_MEMORY_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


def _rows(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    assert cli.main(["config", "--json"]) == 0
    return {row["name"]: row for row in json.loads(capsys.readouterr().out)}


def test_every_setting_is_listed_with_value_default_source_and_meaning(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rows = _rows(capsys)
    assert list(rows) == ["AGENT_MEMORY_" + setting.name for setting in SETTINGS]
    assert rows["AGENT_MEMORY_DB_PATH"]["value"] == str(tmp_path / "agent-memory" / "memory.db")
    assert rows["AGENT_MEMORY_DB_BUSY_TIMEOUT_MS"]["value"] == "5000"
    assert all(row["meaning"] and row["source"] == "default" for row in rows.values())


def test_a_value_from_the_environment_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_MEMORY_DB_BUSY_TIMEOUT_MS", "70")
    row = _rows(capsys)["AGENT_MEMORY_DB_BUSY_TIMEOUT_MS"]
    assert (row["value"], row["default"], row["source"]) == ("70", "5000", "environment")
    assert cli.main(["config"]) == 0
    assert "AGENT_MEMORY_DB_BUSY_TIMEOUT_MS=70\n    (environment, default 5000)" in capsys.readouterr().out


def test_how_long_a_file_lock_lasts_is_shown_as_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("AGENT_MEMORY_FILE_LOCK_TTL_MS", "AGENT_MEMORY_REDIS_LOCK_TTL_MS")
    rows = _rows(capsys)
    assert [rows[name]["value"] for name in names] == ["300000", "300000"]
    monkeypatch.setenv(names[1], "30000")
    rows = _rows(capsys)
    assert [rows[name]["value"] for name in names] == ["30000", "30000"]


@pytest.mark.parametrize("form", [["config"], ["config", "--json"], ["config", "--client", "cursor"]])
def test_a_secret_is_shown_nowhere(
    form: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_MEMORY_ADMIN_KEY", "open-sesame")
    assert cli.main(form) == 0
    captured = capsys.readouterr()
    assert "open-sesame" not in captured.out + captured.err
    assert "AGENT_MEMORY_ADMIN_KEY" in captured.out + captured.err


def test_the_configuration_for_a_client_carries_what_is_set_here(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_MEMORY_SCOPE", "acme/shop")
    assert cli.main(["config", "--client", "vscode"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["servers"]["agent-memory"]["env"] == {"AGENT_MEMORY_SCOPE": "acme/shop"}
    assert ".vscode/mcp.json" in captured.err


def test_a_setting_that_is_not_known_is_a_warning_with_the_nearest_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_MEMORY_DB_PAHT", "x.db")
    assert cli.main(["config", "--json"]) == 0
    assert "agent-memory: warning: AGENT_MEMORY_DB_PAHT" in capsys.readouterr().err


def test_a_value_that_cannot_be_meant_is_misconfigured(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_MEMORY_SYNCHRONOUS", "sometimes")
    assert cli.main(["config"]) == 78
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("agent-memory: misconfigured: AGENT_MEMORY_SYNCHRONOUS='sometimes'")
    assert captured.err.count("\n") == 1
