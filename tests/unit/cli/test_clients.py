"""The configuration that each MCP client wants."""

from __future__ import annotations

import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from agent_memory.entrypoints.commands.clients import CLIENTS, configuration_for, own_command
from agent_memory.entrypoints.commands.demo import how_to_connect

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("client", sorted(CLIENTS))
def test_a_client_gets_the_command_and_the_environment_under_its_key(client: str) -> None:
    document = configuration_for(client, {"AGENT_MEMORY_SCOPE": "acme"})
    assert list(document) == ["servers" if client == "vscode" else "mcpServers"]
    (server,) = document.values()
    assert server["agent-memory"]["args"][-1] == "mcp"
    assert server["agent-memory"]["env"] == {"AGENT_MEMORY_SCOPE": "acme"}


@pytest.mark.parametrize(
    ("client", "typed"), [("vscode", True), ("claude-code", True), ("claude-desktop", False)]
)
def test_clients_that_know_several_transports_are_told_which(client: str, typed: bool) -> None:
    (server,) = configuration_for(client, {}).values()
    assert ("type" in server["agent-memory"]) is typed
    assert "env" not in server["agent-memory"]


def test_the_installed_program_is_named_by_its_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "agent-memory"
    program.touch(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["agent-memory", "config"])
    assert own_command() == (str(program), [])


def test_without_an_installed_program_the_interpreter_starts_the_module(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["/somewhere/cli.py", "config"])
    assert own_command() == (sys.executable, ["-m", "agent_memory.entrypoints.cli"])


def test_the_demo_s_last_lines_name_a_command_that_works_from_anywhere(tmp_path: Path) -> None:
    line = next(line for line in how_to_connect().splitlines() if "--client claude-code" in line)
    command = shlex.split(line)
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ran.returncode, '"mcpServers"' in ran.stdout) == (0, True)
