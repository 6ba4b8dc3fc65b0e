"""Maintenance by hand: what the worker does by the clock, and what nobody does by the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from ..ports.changes import PutVectors
from ..ports.errors import Rejected
from ..ports.queries import EntryFilter
from ..ports.scopes import GLOBAL, ScopeFilter
from .consolidating import Consolidated, Group, consolidate
from .requests_moving import MaintainAction
from .scope import scope_under

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from ..ports.clock import Clock
    from ..ports.storage import Storage
    from .caller import Caller
    from .consolidating import Report
    from .requests_moving import MaintainCall
    from .work.schedule import Schedule

_EVERYTHING = EntryFilter(where=ScopeFilter(descendants=True))
_BATCH = 200
_PROBLEMS = 50


class Rebuilt(Protocol):
    """What was worked out from the store to search it."""

    async def rebuild(self) -> str:
        """It is made anew by the next question. The model whose vectors the store keeps, if any."""
        ...


class MaintainResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of the action asked for. On a dry run, what would be."""

    action: MaintainAction
    dry_run: bool
    scope: str | None = None
    looked_at: int | None = None
    found: int | None = None
    superseded: int | None = None
    changed: int = 0
    groups: tuple[Group, ...] = ()
    entries: int | None = None
    vectors: int | None = None
    backup: str | None = None
    backups: tuple[str, ...] | None = None
    done: tuple[str, ...] | None = None
    problems: tuple[str, ...] | None = None
    more_problems: int = 0


class Backing(Protocol):
    """Backups, where the store makes any."""

    async def make_one(self, now: datetime) -> str:
        """Its name."""
        ...

    async def names(self) -> Sequence[str]: ...


class Maintaining:
    """`schedules` are those of the worker."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        *,
        search: Rebuilt | None,
        backing: Backing | None,
        schedules: Callable[[], Sequence[Schedule]],
        wrote: Callable[[], None] | None = None,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._search = search
        self._backing = backing
        self._schedules = schedules
        self._wrote = wrote

    async def maintain(
        self, request: MaintainCall, caller: Caller, report: Report | None = None
    ) -> MaintainResult:
        if request.action == "consolidate":
            return await self._consolidate(request, caller, report)
        if request.scope is not None:
            raise Rejected("scope: only consolidate has one; the others concern all of the memory", "scope")
        if caller.ceiling != GLOBAL:
            raise Rejected(
                f"action {request.action}: it concerns all of the memory, and this is limited to {caller.ceiling!r} "
                "and what is below it (AGENT_MEMORY_SCOPE)",
                "action",
            )
        run: dict[MaintainAction, Callable[[MaintainCall, Report | None], Awaitable[MaintainResult]]] = {
            "reindex": self._reindex, "backup": self._backup, "upkeep": self._upkeep, "verify": self._verify,
        }  # fmt: skip
        return await run[request.action](request, report)

    async def _consolidate(
        self, request: MaintainCall, caller: Caller, report: Report | None
    ) -> MaintainResult:
        scope = scope_under(request.scope, caller.ceiling)
        try:
            done: Consolidated = await consolidate(
                self._storage, scope, caller, now=self._clock.now, dry_run=request.dry_run, report=report
            )
        finally:
            if self._wrote is not None:
                self._wrote()
        return MaintainResult(
            action="consolidate", dry_run=request.dry_run, scope=scope, looked_at=done.looked_at, found=done.found,
            superseded=done.superseded, changed=done.changed, groups=done.groups,
        )  # fmt: skip

    async def _reindex(self, request: MaintainCall, report: Report | None) -> MaintainResult:
        """The store's index from its texts; vectors that it keeps are dropped, to be made again in the background."""
        stats = await self._storage.stats(_EVERYTHING.where)
        result = MaintainResult(
            action="reindex", dry_run=request.dry_run, entries=stats.entries, vectors=stats.vectors
        )
        if request.dry_run:
            return result
        await self._storage.maintain("rebuild")
        if self._search is not None and (model := await self._search.rebuild()):
            await self._drop_vectors(model, report)
        if self._wrote is not None:
            self._wrote()
        return result

    async def _drop_vectors(self, model: str, report: Report | None) -> None:
        count, changes = 0, list[PutVectors]()
        async for entry in self._storage.scan(_EVERYTHING):
            changes.append(PutVectors(entry.id, entry.version, model, self._clock.now(), ()))
            if len(changes) == _BATCH:
                await self._storage.apply(*changes)
                count += len(changes)
                changes.clear()
                if report is not None:
                    report(count, None, f"{count} entries to be embedded again")
        if changes:
            await self._storage.apply(*changes)

    async def _backup(self, request: MaintainCall, _: Report | None) -> MaintainResult:
        if self._backing is None:
            raise Rejected(
                "action backup: PostgreSQL is backed up with pg_dump, or as your server is", "action"
            )
        made = None if request.dry_run else await self._backing.make_one(self._clock.now())
        return MaintainResult(
            action="backup", dry_run=request.dry_run, backup=made, backups=tuple(await self._backing.names())
        )

    async def _upkeep(self, request: MaintainCall, report: Report | None) -> MaintainResult:
        """Everything that is due by the clock, now, backups apart: they have an action of their own."""
        names: list[str] = []
        for schedule in self._schedules():
            if schedule.every <= 0 or schedule.name == "backup":
                continue
            more = not request.dry_run
            while more:
                progress = await schedule.run(self._clock.now())
                if progress.changes:
                    await self._storage.apply(*progress.changes)
                more = progress.more
            names.append(schedule.name)
            if report is not None:
                report(len(names), None, schedule.name)
        if self._wrote is not None:
            self._wrote()
        return MaintainResult(action="upkeep", dry_run=request.dry_run, done=tuple(names))

    async def _verify(self, request: MaintainCall, _: Report | None) -> MaintainResult:
        found = await self._storage.verify()
        return MaintainResult(
            action="verify", dry_run=request.dry_run, problems=tuple(found[:_PROBLEMS]),
            more_problems=max(0, len(found) - _PROBLEMS),
        )  # fmt: skip
