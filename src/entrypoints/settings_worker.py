"""The settings of work that is done beside the answers: jobs, upkeep, backups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .setting import Setting, number, path, seconds_from_millis

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST_MS = 86_400_000
_YEARS = 36_500


def _seconds_from(unit: int, most: int) -> Callable[[str], float]:
    read_number = number(0, most)

    def read(text: str) -> float:
        return float(read_number(text) * unit)

    return read


WORKER_SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="WORKER_CONCURRENCY",
        default="4",
        field="worker_concurrency",
        read=number(1, 256),
        meaning="batches of jobs of one kind that one worker runs at once at most; a kind may allow fewer",
    ),
    Setting(
        name="WORKER_POLL_MS",
        default="1000",
        field="worker_poll",
        read=seconds_from_millis(10, _LONGEST_MS),
        meaning="how often a worker looks for jobs that nothing has told it of",
    ),
    Setting(
        name="WORKER_LEASE_MS",
        default="30000",
        field="worker_lease",
        read=seconds_from_millis(200, _LONGEST_MS),
        meaning="within which another process goes on with scheduled work when the one that did it dies",
    ),
    Setting(
        name="SESSION_IDLE_MS",
        default="86400000",
        field="session_idle",
        read=seconds_from_millis(0, 30 * _LONGEST_MS),
        meaning="how long an open session may be idle before it ends by itself (0: for ever)",
    ),
    Setting(
        name="PURGE_AFTER_DAYS",
        default="0",
        field="purge_after",
        read=_seconds_from(86_400, _YEARS),
        meaning="days after which nothing is left of what was forgotten, its history included (0: it is kept)",
    ),
    Setting(
        name="BACKUP_EVERY_HOURS",
        default="0",
        field="backup_every",
        read=_seconds_from(3600, 24 * 366),
        meaning="hours between two backups of the SQLite file (0: none); PostgreSQL is backed up by its own tools",
    ),
    Setting(
        name="BACKUP_DIR",
        default="",
        field="backup_dir",
        read=path,
        meaning="folder of the backups (default: beside the SQLite file, by its name and -backups); private to you",
    ),
    Setting(
        name="BACKUP_KEEP",
        default="7",
        field="backup_keep",
        read=number(1, 10_000),
        meaning="backups kept, the newest ones",
    ),
)
