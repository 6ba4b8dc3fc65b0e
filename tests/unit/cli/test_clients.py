"""The configuration that each MCP client wants."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from agent_memory.entrypoints.commands.clients import CLIENTS, configuration_for, own_command

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
