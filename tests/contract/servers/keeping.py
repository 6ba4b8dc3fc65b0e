"""What every keeper does: say that its server is ready, and wait for the end of the test run."""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .run_folder import READY, USERS

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@contextmanager
def alive(folder: Path) -> Generator[None]:
    """Hold the lock that the run's end waits for; leave nothing of the folder but what the log may explain."""
    descriptor = os.open(folder / "alive.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if folder.parent.exists():
            shutil.rmtree(folder / "data", ignore_errors=True)
        os.close(descriptor)


def ready_until_nobody_needs(folder: Path, description: bytes) -> None:
    draft = folder / f"{READY}.draft"
    draft.write_bytes(description)
    draft.rename(folder / READY)
    with (folder.parent / USERS).open("rb") as users:
        fcntl.flock(users, fcntl.LOCK_EX)
