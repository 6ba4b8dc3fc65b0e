"""Commands that work on the store in this process, without a server."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from ...core.caller import Caller
from ..logs import Log
from ..settings import read_settings
from ..wiring import open_app
from .output import complain

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..wiring import App


def use_memory(command: str, use: Callable[[App, Caller], Awaitable[int]]) -> int:
    """Open the store that the environment names, use it, close it."""
    reading = read_settings(os.environ)
    for warning in reading.warnings:
        complain(f"warning: {warning}")
    settings = reading.settings
    caller = Caller(client="cli", agent=settings.agent_id, tool=command, ceiling=settings.scope)

    async def run() -> int:
        async with open_app(settings, Log(settings.log_level)) as app:
            return await use(app, caller)

    return asyncio.run(run())
