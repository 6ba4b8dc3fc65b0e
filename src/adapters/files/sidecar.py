"""The Sidecar port: a temporary file, fsync, rename, fsync of the folder."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

try:
    import fcntl
except ImportError:  # no POSIX: two savers at once then write one temporary file, whose checksum tells
    fcntl = None  # type: ignore[assignment]


class FileSidecar:
    """At `path`; while it is written also at `path` + ".tmp", which a killed process leaves and the next reuses."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._temporary = self._path.with_name(self._path.name + ".tmp")

    async def load(self) -> bytes | None:
        return await asyncio.to_thread(self._load)

    async def save(self, parts: Sequence[bytes]) -> bool:
        return await asyncio.to_thread(self._save, parts)

    async def drop(self) -> None:
        await asyncio.to_thread(self._drop)

    def _drop(self) -> None:
        for path in (self._path, self._temporary):
            with suppress(OSError):
                path.unlink()

    def _load(self) -> bytes | None:
        try:
            return self._path.read_bytes()
        except OSError:
            return None

    def _save(self, parts: Sequence[bytes]) -> bool:
        try:
            descriptor = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return False
        try:
            return self._written(descriptor, parts)
        except OSError:
            with suppress(OSError):
                self._temporary.unlink()
            return False
        finally:
            os.close(descriptor)

    def _written(self, descriptor: int, parts: Sequence[bytes]) -> bool:
        if fcntl is not None:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            if not self._is_temporary(descriptor):
                # Another process has just made it the file itself, between our opening and our locking.
                return False
        os.ftruncate(descriptor, 0)
        for part in parts:
            view = memoryview(part)
            while view:
                view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
        self._temporary.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return True

    def _is_temporary(self, descriptor: int) -> bool:
        with suppress(OSError):
            return os.path.samestat(os.fstat(descriptor), self._temporary.stat())
        return False
