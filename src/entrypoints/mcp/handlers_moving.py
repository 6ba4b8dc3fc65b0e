"""The tools that move the memory and keep it in order, at work: long calls, that say how far they are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ...core.requests_moving import ExportCall, ImportCall, MaintainCall
from ...ports.errors import Rejected
from ...ports.scopes import GLOBAL
from . import text_moving

if TYPE_CHECKING:
    from ...core.caller import Caller
    from ...core.maintaining import Maintaining
    from ...core.moving.mover import Moving
    from ..wiring import App

Progress = Callable[[float, float | None, str | None], None]
LongRun = Callable[[Any, "Caller", Progress], Awaitable[Any]]
CheckKey = Callable[[str | None, "Caller", str, str], None]


class MovingTools:
    """What is behind them is made by the first call of one."""

    def __init__(self, app: App, check_key: CheckKey) -> None:
        self._app = app
        self._check_key = check_key
        self._moving: Moving | None = None
        self._maintaining: Maintaining | None = None

    @property
    def runs(self) -> dict[str, tuple[type[Any], LongRun, Callable[[Any], str]]]:
        return {
            "memory_export": (ExportCall, self._export, text_moving.exported),
            "memory_import": (ImportCall, self._import, text_moving.imported),
            "memory_maintain": (MaintainCall, self._maintain, text_moving.maintained),
        }

    async def _export(self, request: ExportCall, caller: Caller, progress: Progress) -> object:
        return await self._mover().export(request, caller, progress)

    async def _import(self, request: ImportCall, caller: Caller, progress: Progress) -> object:
        if caller.agent and not self._app.settings.admin_key:
            # Provenance and votes come with an export: a pinned agent would sign as another.
            raise Rejected(
                "admin_key: an agent that is pinned (AGENT_MEMORY_AGENT_ID) imports only with the admin key, and "
                "this server has none (AGENT_MEMORY_ADMIN_KEY); nothing was imported",
                "admin_key",
            )
        self._check_key(request.admin_key, caller, "importing", "nothing was imported")
        # Where a key is set it was given. Where none is, nobody vouches for what other agents are said to have voted.
        ballots = caller.ceiling == GLOBAL or bool(self._app.settings.admin_key)
        return await self._mover().import_(request, caller, progress, ballots=ballots)

    async def _maintain(self, request: MaintainCall, caller: Caller, progress: Progress) -> object:
        self._check_key(request.admin_key, caller, "maintenance", "nothing was done")
        if self._maintaining is None:
            from ..moving import make_maintaining  # noqa: PLC0415 - a start has no use for it

            self._maintaining = make_maintaining(self._app)
        return await self._maintaining.maintain(request, caller, progress)

    def _mover(self) -> Moving:
        if self._moving is None:
            from ..moving import make_moving  # noqa: PLC0415 - a start has no use for it

            self._moving = make_moving(self._app, self._app.settings.scope)
        return self._moving
