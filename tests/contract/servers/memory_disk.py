"""Where files that only tests need are made and removed most cheaply."""

from __future__ import annotations

import os
from pathlib import Path

ROOM = 4 * 1024**3
"""Bytes: a few servers' data and the folders of the tests that run, with much to spare."""
_IN_MEMORY = Path("/dev/shm")


def memory_disk(folder: Path = _IN_MEMORY) -> str | None:
    """Linux's disk in memory, where it has room and programs may be run from it; None: wherever temporary files go.

    Whoever sets TMPDIR has chosen. To copy and drop a database there is a tenth of the work that it is on ext4.
    """
    if "TMPDIR" in os.environ or not os.access(folder, os.W_OK | os.X_OK):
        return None
    disk = os.statvfs(folder)
    if disk.f_flag & os.ST_NOEXEC or disk.f_bavail * disk.f_frsize < ROOM:
        return None
    return str(folder)
