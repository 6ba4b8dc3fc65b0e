"""Commands that work on the store in this process, without a server."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING

from ...core.caller import Caller
from ...ports.errors import Unavailable
from ..logs import AUDIT, make_log
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
        async with open_app(settings, make_log(settings)) as app:
            return await use(app, caller)

    remarks = _Remarks(everything=settings.log_level == "debug")
    logging.getLogger().addHandler(remarks)
    try:
        return asyncio.run(run())
    finally:
        logging.getLogger().removeHandler(remarks)


class _Remarks(logging.Handler):
    """What adapters remark becomes one line of each technology: each of its parts would say that its server is away."""

    def __init__(self, *, everything: bool) -> None:
        super().__init__(logging.WARNING)
        self._everything = everything
        self._told: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        technology = record.name.rpartition(".")[0]
        if not self._everything and record.name not in AUDIT:
            if technology in self._told:
                return
            self._told.add(technology)
        complain(f"warning: {record.getMessage()}")


def _must_be_there(path: Path) -> None:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise Unavailable(
            f"{path}: there is no memory here yet; `agent-memory remember` makes one, "
            "AGENT_MEMORY_DB_PATH names another place"
        ) from None
