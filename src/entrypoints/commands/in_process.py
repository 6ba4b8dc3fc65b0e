"""Commands that work on the store in this process, without a server."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from ...core.caller import Caller
from ...ports.errors import Unavailable
from ..logs import Log
from ..settings import read_settings
from ..wiring import open_app
from .output import complain

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from ..wiring import App


def use_memory(command: str, use: Callable[[App, Caller], Awaitable[int]], *, creates: bool = False) -> int:
    """Open the store that the environment names, use it, close it. Made if it is not there only where this
    `creates`: a mistyped path must not look like a memory that knows nothing.
    """
    reading = read_settings(os.environ)
    for warning in reading.warnings:
        complain(f"warning: {warning}")
    settings = reading.settings
    if not creates and settings.db_type == "sqlite":
        _must_be_there(settings.db_path)
    caller = Caller(client="cli", agent=settings.agent_id, tool=command, ceiling=settings.scope)

    async def run() -> int:
        async with open_app(settings, Log(settings.log_level)) as app:
            return await use(app, caller)

    return asyncio.run(run())


def _must_be_there(path: Path) -> None:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise Unavailable(
            f"{path}: there is no memory here yet; `agent-memory remember` makes one, "
            "AGENT_MEMORY_DB_PATH names another place"
        ) from None
