"""Backups by the clock: named after their time, the newest few kept."""

from __future__ import annotations

import asyncio
import os
import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ..adapters.files.blobs import FileBlobStore
from ..core.work.schedule import Progress, Schedule
from ..ports.errors import Rejected, Unavailable

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from ..ports.storage import Storage


_ABANDONED_SECONDS = 600.0
"""After which nobody is at a draft any more that grew no further: one that is being made grows all the time."""
_AT_ONCE = 100


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
        at = r"(\d{8}T\d{6})Z(?:-(\d{1,3}))?"
        self._blobs = FileBlobStore(folder)
        self._ours = re.compile(rf"{re.escape(stem)}-{at}\.db")
        self._drafts = re.compile(rf"(\.{re.escape(stem)}-{at}\.db\.\d+\.[0-9a-f]+)(-journal|-wal|-shm)?")

    def schedule(self, every: float) -> Schedule:
        return Schedule(name="backup", every=every, run=self.make)

    async def make(self, now: datetime) -> Progress:
        """One more, and then the oldest go."""
        await self.make_one(now)
        return Progress()

    async def make_one(self, now: datetime) -> str:
        """Its name. Of several within one second each has its own, and everything that was written before it."""
        await asyncio.to_thread(self._prepare)
        # Only of what was there before it: two that are made at once must not drop each other.
        before = await self.names()
        name = await self._made(f"{now:%Y%m%dT%H%M%S}")
        for old in before[: max(0, len(before) + 1 - self._keep)]:
            await self._blobs.delete(old)
        return name

    async def _made(self, at: str) -> str:
        # The number of one that went is not given again: by it the newest would be the oldest.
        number = max((last for second, last, _ in await self._ordered() if second == at), default=0)
        while number < _AT_ONCE:
            number += 1
            name = f"{self._stem}-{at}Z{f'-{number}' if number > 1 else ''}.db"
            try:
                await self._storage.backup(str(self._folder / name))
            except Rejected:
                if not await asyncio.to_thread(os.path.lexists, self._folder / name):
                    raise
            else:
                return name
        raise Unavailable(f"backup folder {self._folder}: more than {_AT_ONCE} backups within one second")

    async def names(self) -> list[str]:
        """Those that are there, the oldest first."""
        return [name for _, _, name in await self._ordered()]

    async def _ordered(self) -> list[tuple[str, int, str]]:
        """By time, number and name."""
        kept = await self._blobs.list(prefix=f"{self._stem}-")
        ours = [found for blob in kept if (found := self._ours.fullmatch(blob.name))]
        return sorted((found[1], int(found[2] or 1), found[0]) for found in ours)

    def _prepare(self) -> None:
        """What a process that was killed had begun is of no use."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._folder.is_symlink():
                raise Unavailable(f"{self._folder}: a link; set AGENT_MEMORY_BACKUP_DIR to the folder itself")
            for file in self._folder.iterdir():
                draft = self._drafts.fullmatch(file.name)
                if draft and not _is_being_made(self._folder / draft[1]):
                    with suppress(FileNotFoundError):
                        file.unlink()
        except OSError as error:
            raise Unavailable(f"backup folder {self._folder}: {error.strerror or error}") from error


def _is_being_made(draft: Path) -> bool:
    try:
        return time.time() - draft.stat().st_mtime < _ABANDONED_SECONDS
    except FileNotFoundError:
        return False
