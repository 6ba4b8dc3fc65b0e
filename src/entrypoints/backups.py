"""Backups by the clock: named after their time, the newest few kept."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from ..core.work.schedule import Progress, Schedule
from ..ports.errors import Rejected, Unavailable

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from ..ports.storage import Storage


class Backups:
    """In one folder, which this makes and nobody's argument names. `stem` begins every name; of those that begin so,
    the newest `keep` stay.
    """

    def __init__(self, storage: Storage, folder: Path, *, stem: str, keep: int) -> None:
        self._storage = storage
        self._folder = folder
        self._stem = stem
        self._keep = keep
        time = r"\d{8}T\d{6}Z"
        self._ours = re.compile(rf"{re.escape(stem)}-{time}\.db")
        self._drafts = re.compile(rf"\.{re.escape(stem)}-{time}\.db\.\d+\.[0-9a-f]+(-journal|-wal|-shm)?")

    def schedule(self, every: float) -> Schedule:
        return Schedule(name="backup", every=every, run=self.make)

    async def make(self, now: datetime) -> Progress:
        """One more, and then the oldest go. Called by one process at a time."""
        target = self._folder / f"{self._stem}-{now:%Y%m%dT%H%M%SZ}.db"
        await asyncio.to_thread(self._prepare)
        try:
            await self._storage.backup(str(target))
        except Rejected:
            # It was made just before whoever made it could say so.
            if not target.is_file() or target.is_symlink():
                raise
        await asyncio.to_thread(self._retire)
        return Progress()

    def _prepare(self) -> None:
        """What a process that was killed had begun is of no use."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._folder.is_symlink():
                raise Unavailable(f"{self._folder}: a link; set AGENT_MEMORY_BACKUP_DIR to the folder itself")
            for file in self._folder.iterdir():
                if self._drafts.fullmatch(file.name):
                    with suppress(FileNotFoundError):
                        file.unlink()
        except OSError as error:
            raise Unavailable(f"backup folder {self._folder}: {error.strerror or error}") from error

    def _retire(self) -> None:
        made = sorted(file for file in self._folder.iterdir() if self._ours.fullmatch(file.name))
        for file in made[: -self._keep]:
            with suppress(FileNotFoundError):
                file.unlink()
