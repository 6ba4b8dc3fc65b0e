"""Backups by the clock: named after their time, the newest few kept."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from ..adapters.files.blobs import FileBlobStore
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
        # A name that begins with a dot is one of a draft.
        self._stem = stem = stem.lstrip(".") or "memory"
        self._keep = keep
        time = r"\d{8}T\d{6}Z"
        self._blobs = FileBlobStore(folder)
        self._ours = re.compile(rf"{re.escape(stem)}-{time}\.db")
        self._drafts = re.compile(rf"\.{re.escape(stem)}-{time}\.db\.\d+\.[0-9a-f]+(-journal|-wal|-shm)?")

    def schedule(self, every: float) -> Schedule:
        return Schedule(name="backup", every=every, run=self.make)

    async def make(self, now: datetime) -> Progress:
        """One more, and then the oldest go. Called by one process at a time."""
        await self.make_one(now)
        return Progress()

    async def make_one(self, now: datetime) -> str:
        """Its name."""
        name = f"{self._stem}-{now:%Y%m%dT%H%M%SZ}.db"
        target = self._folder / name
        await asyncio.to_thread(self._prepare)
        try:
            await self._storage.backup(str(target))
        except Rejected:
            # It was made just before whoever made it could say so.
            if not target.is_file() or target.is_symlink():
                raise
        for old in (await self.names())[: -self._keep]:
            await self._blobs.delete(old)
        return name

    async def names(self) -> list[str]:
        """Those that are there, the oldest first."""
        kept = await self._blobs.list(prefix=f"{self._stem}-")
        return [blob.name for blob in kept if self._ours.fullmatch(blob.name)]

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
