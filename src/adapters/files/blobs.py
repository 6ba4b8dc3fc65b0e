"""The BlobStore port on one folder: a temporary file, fsync, rename, fsync of the folder.

Everything is done beside an open descriptor of the folder, by base name and without following links: whoever can
write into the folder cannot lead us out of it.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import stat
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from ...ports.blobs import Blob, checked_blob_name
from ...ports.errors import Conflict, NotFound, PortError, Rejected, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator

_PART = 256 * 1024
_DRAFT, _DRAFT_END = ".", ".part"
_TRIES = 8
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe that stands under a name must not hold us up.
_OLD = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class NotWritten(Unavailable):
    """The file system refused a write. `errno` and `words` are what it said."""

    def __init__(self, folder: Path, error: OSError) -> None:
        self.errno = error.errno or errno.EIO
        # Of a name that is about to be made "no such file" would say nothing.
        missing = self.errno == errno.ENOENT
        self.words = "no file can be made there" if missing else error.strerror or str(error)
        super().__init__(f"{folder.name}: {self.words}")


class FileBlobStore:
    """`folder` is made, for its owner only, by the first `put`."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder)

    async def put(self, name: str, parts: AsyncIterator[bytes], *, replace: bool = False) -> Blob:
        checked_blob_name(name)
        draft = _Draft(self._folder, name)
        try:
            await asyncio.to_thread(self._begin, draft, replace)
            async for part in parts:
                await asyncio.to_thread(self._add, draft, part)
            return await asyncio.to_thread(self._finish, draft, replace)
        finally:
            draft.end()

    async def get(self, name: str) -> AsyncIterator[bytes]:
        checked_blob_name(name)
        descriptor = await asyncio.to_thread(self._open, name)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            while part := await asyncio.to_thread(self._read, file.fileno()):
                yield part

    async def list(self, *, prefix: str = "") -> list[Blob]:
        with self._errors(""):
            return await asyncio.to_thread(_listed, self._folder, prefix)

    async def delete(self, name: str) -> bool:
        checked_blob_name(name)
        return await asyncio.to_thread(self._delete, name)

    def _begin(self, draft: _Draft, replace: bool) -> None:  # noqa: FBT001 - the call's own
        with self._errors(draft.name, writes=True):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.open()
            if not replace and _is_there(draft.folder, draft.name):
                raise Conflict(f"name {draft.name!r}: there is one of that name already; choose another")

    def _add(self, draft: _Draft, part: bytes) -> None:
        with self._errors(draft.name, writes=True):
            draft.write(part)

    def _finish(self, draft: _Draft, replace: bool) -> Blob:  # noqa: FBT001 - same
        with self._errors(draft.name, writes=True):
            return draft.publish(replace=replace)

    def _open(self, name: str) -> int:
        with self._errors(name), _opened(self._folder) as folder:
            descriptor = os.open(name, _OLD, dir_fd=folder)
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                raise Rejected(f"name {name!r}: no file", "name")
            return descriptor

    def _read(self, descriptor: int) -> bytes:
        with self._errors(""):
            return os.read(descriptor, _PART)

    def _delete(self, name: str) -> bool:
        try:
            with self._errors(name), _opened(self._folder) as folder:
                if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                    raise Rejected(f"name {name!r}: no file", "name")
                os.unlink(name, dir_fd=folder)
                os.fsync(folder)
        except NotFound:
            return False
        return True

    @contextmanager
    def _errors(self, name: str, *, writes: bool = False) -> Generator[None]:
        try:
            yield
        except PortError:
            raise
        except OSError as error:
            if error.errno == errno.ELOOP and name:
                raise Rejected(f"name {name!r}: a link, which is not followed", "name") from error
            if writes:
                raise NotWritten(self._folder, error) from error
            if isinstance(error, FileNotFoundError):
                raise NotFound(f"name {name!r}: there is none of that name", "name") from error
            raise Unavailable(f"{self._folder.name}: {error.strerror or error}") from error


def _listed(path: Path, prefix: str) -> list[Blob]:
    found: list[Blob] = []
    try:
        with _opened(path) as folder, os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.startswith(prefix) or not entry.is_file(follow_symlinks=False):
                    continue
                with suppress(Rejected, FileNotFoundError):
                    found.append(_blob(checked_blob_name(entry.name), entry.stat(follow_symlinks=False)))
    except FileNotFoundError:
        return []
    return sorted(found, key=lambda blob: blob.name)


class _Draft:
    """A blob that is being written, under a name that no blob has. Its writer holds a lock on it while it lives."""

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self.folder = -1
        self._path = path
        self._draft = ""
        self._descriptor = -1
        self._ended = False
        self._working = threading.Lock()

    def open(self) -> None:
        with self._work():
            self.folder = _folder(self._path)
            self._sweep()
            for _ in range(_TRIES):
                self._draft = f"{_DRAFT}{token_hex(8)}{_DRAFT_END}"
                self._descriptor = os.open(self._draft, _NEW, 0o600, dir_fd=self.folder)
                fcntl.flock(self._descriptor, fcntl.LOCK_EX)
                if os.fstat(self._descriptor).st_nlink:
                    return
                # Another writer took it for a dead one's before it was locked.
                os.close(self._descriptor)
                self._descriptor = -1
            raise Unavailable(f"{self._path.name}: no temporary file stays there")

    def write(self, part: bytes) -> None:
        with self._work():
            view = memoryview(part)
            while view:
                view = view[os.write(self._descriptor, view) :]

    def publish(self, *, replace: bool) -> Blob:
        with self._work():
            os.fsync(self._descriptor)
            if replace:
                if _is_there(self.folder, self.name) and not _is_file(self.folder, self.name):
                    raise Rejected(f"name {self.name!r}: no file", "name")
                os.rename(self._draft, self.name, src_dir_fd=self.folder, dst_dir_fd=self.folder)
            else:
                try:
                    os.link(self._draft, self.name, src_dir_fd=self.folder, dst_dir_fd=self.folder)
                except FileExistsError:
                    raise Conflict(
                        f"name {self.name!r}: there is one of that name already; choose another"
                    ) from None
                os.unlink(self._draft, dir_fd=self.folder)
            self._draft = ""
            os.fsync(self.folder)
            return _blob(self.name, os.fstat(self._descriptor))

    def end(self) -> None:
        """At once, or by the thread that still works on it: no descriptor is closed under it."""
        self._ended = True
        if self._working.acquire(blocking=False):
            self._close()
            self._working.release()

    @contextmanager
    def _work(self) -> Generator[None]:
        try:
            with self._working:
                if self._ended:
                    raise Unavailable("given up")
                yield
        finally:
            if self._ended:
                self.end()

    def _close(self) -> None:
        folder, self.folder = self.folder, -1
        descriptor, self._descriptor = self._descriptor, -1
        if folder >= 0:
            if self._draft:
                with suppress(OSError):
                    os.unlink(self._draft, dir_fd=folder)
            os.close(folder)
        if descriptor >= 0:
            os.close(descriptor)

    def _sweep(self) -> None:
        """What a process that was killed had begun: nobody holds its lock."""
        for name in os.listdir(self.folder):  # noqa: PTH208 - by descriptor
            if not (name.startswith(_DRAFT) and name.endswith(_DRAFT_END)):
                continue
            with suppress(OSError):
                descriptor = os.open(name, _OLD, dir_fd=self.folder)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    os.unlink(name, dir_fd=self.folder)
                finally:
                    os.close(descriptor)


def _folder(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except NotADirectoryError as error:
        raise Unavailable(f"{path.name}: a link or no folder; name the folder itself") from error


@contextmanager
def _opened(path: Path) -> Generator[int]:
    folder = _folder(path)
    try:
        yield folder
    finally:
        os.close(folder)


def _is_there(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _is_file(folder: int, name: str) -> bool:
    return stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


def _blob(name: str, found: os.stat_result) -> Blob:
    return Blob(name=name, size=found.st_size, written_at=datetime.fromtimestamp(found.st_mtime, UTC))
