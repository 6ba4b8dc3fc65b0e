"""The real server as its users start it: a process on a database of its own."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = (sys.executable, "-m", "agent_memory.entrypoints.cli", "mcp")
ADMIN_KEY = "open sesame"


def server_settings(folder: Path, **settings: str) -> dict[str, str]:
    mine = {"DB_PATH": str(folder / "memory.db"), "DATA_DIR": str(folder / "data"), **settings}
    return {f"AGENT_MEMORY_{name}": value for name, value in mine.items()}


def server_environment(folder: Path, **settings: str) -> dict[str, str]:
    """Nothing of the caller's own settings: what a test sees is what a fresh user sees."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AGENT_MEMORY_")}
    return kept | server_settings(folder, **settings)
