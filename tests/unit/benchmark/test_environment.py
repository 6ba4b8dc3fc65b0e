"""What a measured program inherits."""

# pyright: reportPrivateUsage=false
# The figures that depend on it are no matter for a test.

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_memory.entrypoints.benchmark.bench import _neutral_environment

if TYPE_CHECKING:
    import pytest


def test_neither_the_user_s_memory_nor_what_hides_compiled_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_MEMORY_DB_PATH", "/home/ada/memory.db")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("LANG", "C.UTF-8")
    environment = _neutral_environment()
    assert "AGENT_MEMORY_DB_PATH" not in environment
    assert "PYTHONDONTWRITEBYTECODE" not in environment
    assert environment["LANG"] == "C.UTF-8"
