"""The settings of work beside the answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_memory.entrypoints.settings import Settings, read_settings
from agent_memory.ports.errors import Misconfigured


def read(**given: str) -> Settings:
    environment = {f"AGENT_MEMORY_{name}": value for name, value in given.items()}
    reading = read_settings({"HOME": "/home/ada", **environment})
    assert reading.warnings == ()
    return reading.settings


def figures(settings: Settings) -> tuple[object, ...]:
    return (
        settings.worker_concurrency,
        settings.worker_poll,
        settings.worker_lease,
        settings.session_idle,
        settings.purge_after,
        settings.backup_every,
        settings.backup_dir,
        settings.backup_keep,
    )


def test_by_default_nothing_is_purged_and_no_disk_is_filled() -> None:
    assert figures(read()) == (4, 1.0, 30.0, 86_400.0, 0.0, 0.0, None, 7)


def test_every_name_arrives_in_its_field() -> None:
    given = read(
        WORKER_CONCURRENCY="2",
        WORKER_POLL_MS="250",
        WORKER_LEASE_MS="5000",
        SESSION_IDLE_MS="0",
        PURGE_AFTER_DAYS="30",
        BACKUP_EVERY_HOURS="24",
        BACKUP_DIR="/var/backups/memory",
        BACKUP_KEEP="3",
    )
    assert figures(given) == (2, 0.25, 5.0, 0.0, 2_592_000.0, 86_400.0, Path("/var/backups/memory"), 3)


@pytest.mark.parametrize(
    "given", [{"WORKER_CONCURRENCY": "0"}, {"BACKUP_KEEP": "0"}, {"PURGE_AFTER_DAYS": "-1"}]
)
def test_what_cannot_be_meant_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(Misconfigured):
        read(**given)
