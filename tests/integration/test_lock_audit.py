"""Who ended whose lock, and why, is written whatever else is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .clients.raw_server import raw_server

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_forced_lock_is_logged_though_only_errors_are_wanted(tmp_path: Path) -> None:
    file = {"file_path": "a.py"}
    async with raw_server(tmp_path, LOG_LEVEL="error") as server:
        await server.done("memory_file_lock", {"action": "checkout", "agent_id": "ada", **file})
        forced = {"action": "force_unlock", "agent_id": "root", "reason": "ada crashed", **file}
        await server.done("memory_file_lock", forced)
    [line] = (tmp_path / "stderr").read_text().splitlines()
    assert all(words in line for words in ("file:a.py", "'ada'", "'root'", "ada crashed", '"warning"'))
