"""The work of one process, composed: jobs that follow from writes, and what is due by the clock."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING, cast

from ..core.upkeep import UpkeepRules, expire_kind, upkeep_schedules
from ..core.work.runner import JobRunner
from ..core.work.schedule import Scheduler
from ..ports.errors import PortError
from .backups import Backups

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..core.work.kinds import JobKind
    from ..core.work.runner import JobRun
    from ..core.work.schedule import Schedule
    from .logs import Log
    from .wiring import App

_LOOK_SECONDS = 0.05
"""SQLite tells nobody of another process's commit. This look costs no call of the system and no thread."""
_AGAIN_SECONDS = 1.0


def job_kinds(app: App) -> tuple[JobKind, ...]:
    return (expire_kind(app.storage, app.clock),)


def schedules(app: App) -> tuple[Schedule, ...]:
    settings = app.settings
    rules = UpkeepRules(session_idle=settings.session_idle, purge_after=settings.purge_after)
    found = upkeep_schedules(app.storage, rules)
    backups = backups_of(app)
    return found if backups is None else (*found, backups.schedule(settings.backup_every))


def backups_of(app: App) -> Backups | None:
    settings = app.settings
    if not app.storage.capabilities.backups:
        return None
    path = settings.db_path
    folder = settings.backup_dir or path.with_name(path.name + "-backups")
    return Backups(app.storage, folder, stem=path.stem, keep=settings.backup_keep)


class Work:
    """`watches`: changes of others are looked for, to be quick; without it they are found every `poll` seconds."""

    def __init__(
        self,
        app: App,
        kinds: Sequence[JobKind],
        scheduled: Sequence[Schedule],
        *,
        poll: float,
        most: int | None = None,
        watches: bool = True,
    ) -> None:
        chance = Random().random  # noqa: S311 - jitter, not a secret
        self._app = app
        self._watches = watches
        self._finished = asyncio.Event()
        self._running = False
        self._failed = 0
        trouble = _Trouble(app.log)
        self.runner = JobRunner(
            app.storage,
            kinds,
            app.clock,
            owner=app.instance,
            chance=chance,
            poll=poll,
            most=most,
            on_run=self._told,
            on_trouble=trouble.of_jobs,
        )
        self.scheduler = Scheduler(
            app.storage,
            app.lock,
            scheduled,
            app.clock,
            owner=app.instance,
            chance=chance,
            lease=app.settings.worker_lease,
            on_run=self._told,
            on_trouble=trouble.of_schedules,
        )

    async def run(self) -> None:
        """Until cancelled; after `finish` nothing is begun any more. A `PortError` where trying again cannot help."""
        self._running = True
        self._finished.clear()
        try:
            async with asyncio.TaskGroup() as group:
                doing = [
                    group.create_task(self.runner.run(), name="jobs"),
                    group.create_task(self.scheduler.run(), name="schedules"),
                ]
                if self._watches:
                    group.create_task(self._watch(), name="wake-ups")
                await asyncio.wait(doing)
                self._finished.set()
                await asyncio.Event().wait()
        except ExceptionGroup as group:
            first = _port_error(group)
            if first is None:
                raise
            raise first from group
        finally:
            self._running = False
            self._finished.set()

    async def finish(self) -> None:
        """Begin nothing more; return when what runs has ended."""
        self.runner.stop()
        self.scheduler.stop()
        if self._running:
            await self._finished.wait()

    async def once(self) -> int:
        """What is due now, jobs and schedules, and no more; how many failed. `Unavailable` where the store does not
        answer.
        """
        before = self._failed
        await self.scheduler.turn()
        await self.runner.drain()
        return self._failed - before

    async def _watch(self) -> None:
        if self._app.store.capabilities.marks:
            await self._watch_marks()
        while True:
            try:
                async with self._app.feed.subscribe() as events:
                    self.runner.wake()
                    async for _ in events:
                        self.runner.wake()
            except PortError as error:
                if not error.retryable:
                    raise
            await self._app.clock.sleep(_AGAIN_SECONDS)

    async def _watch_marks(self) -> None:
        seen = self._app.store.mark()
        while True:
            await self._app.clock.sleep(_LOOK_SECONDS)
            mark = self._app.store.mark()
            if mark is not None and mark != seen:
                seen = mark
                self.runner.wake()

    def _told(self, run: JobRun) -> None:
        if run.result != "done":
            self._failed += run.result != "lost"
            write = self._app.log.error if run.result == "dead" else self._app.log.warning
            write(
                f"job {run.result}", job=run.job, kind=run.kind, attempt=run.attempt, reason=run.reason,
                seconds=round(run.seconds, 3),
            )  # fmt: skip


def make_work(
    app: App,
    *,
    poll: float,
    most: int | None = None,
    watches: bool = True,
    kinds: Callable[[App], Sequence[JobKind]] = job_kinds,
    scheduled: Callable[[App], Sequence[Schedule]] = schedules,
) -> Work:
    return Work(app, kinds(app), scheduled(app), poll=poll, most=most, watches=watches)


def _port_error(error: Exception) -> PortError | None:
    """The first within, however deep."""
    if isinstance(error, ExceptionGroup):
        inner = cast("ExceptionGroup[Exception]", error).exceptions
        return next((found for each in inner if (found := _port_error(each)) is not None), None)
    return error if isinstance(error, PortError) else None


class _Trouble:
    """Said once when it begins and once when it ends."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def of_jobs(self, error: PortError | None) -> None:
        self._say("jobs", error)

    def of_schedules(self, error: PortError | None) -> None:
        self._say("scheduled work", error)

    def _say(self, what: str, error: PortError | None) -> None:
        if error is None:
            self._log.info(f"{what}: the store answers again")
        else:
            self._log.warning(f"{what}: waiting for the store", reason=f"{error.code}: {error}")
