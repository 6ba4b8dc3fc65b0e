"""A copy of the file while it is in use: one instant of it, whole or not at all."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from ...ports.errors import Rejected, Unavailable
from .answers import Answer, deliver, ended
from .connection import connect
from .errors import port_error

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

_PAGES = 2000
"""A step of about 8 MB: how soon a cancelled copy ends."""
_CLOSING_SECONDS = 10.0


class Copying:
    """One copy, on a thread of its own."""

    def __init__(self, source: Path, target: Path, loop: asyncio.AbstractEventLoop) -> None:
        self._source = source
        self._target = target
        self._loop = loop
        self._abandoned = False
        self._made = False
        self._done: asyncio.Future[None] = loop.create_future()
        self._last: asyncio.Future[None] = loop.create_future()
        self._thread = threading.Thread(target=self._main, name=f"backup {source.name}")

    async def run(self) -> None:
        """Cancelled, it leaves nothing, also where the copy was complete by then: its caller does not know that."""
        self._thread.start()
        try:
            await self._done
            await ended(self._thread, self._last, _CLOSING_SECONDS)
        except BaseException:
            self._abandoned = True
            try:
                await ended(self._thread, self._last, _CLOSING_SECONDS)
            finally:
                self._undo()
            raise

    def _main(self) -> None:
        try:
            self._copy()
        except Exception as error:  # noqa: BLE001 - its caller must hear of it
            deliver(self._loop, [Answer(self._done, error=port_error(error, str(self._target)))])
        else:
            deliver(self._loop, [Answer(self._done)])
        finally:
            deliver(self._loop, [Answer(self._last)])

    def _copy(self) -> None:
        target = self._target
        if os.path.lexists(target):
            raise _taken(target)
        draft = target.with_name(f".{target.name}.{os.getpid()}.{threading.get_ident():x}")
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            self._fill(draft)
            _sync(draft)
            try:
                # Unlike a rename, it never replaces what someone else has put there meanwhile.
                os.link(draft, target)
            except FileExistsError:
                raise _taken(target) from None
            self._made = True
            if self._abandoned:
                self._undo()
        finally:
            for name in (draft, *(draft.with_name(draft.name + end) for end in ("-journal", "-wal", "-shm"))):
                with suppress(FileNotFoundError):
                    name.unlink()
        _sync(target.parent)

    def _fill(self, draft: Path) -> None:
        with closing(connect(self._source, 0.0)) as source, closing(sqlite3.connect(draft)) as copy:
            # Within a transaction the copy is of one instant, and does not start again with each write of others.
            source.execute("PRAGMA query_only=1")
            source.execute("BEGIN")
            source.execute("SELECT 1 FROM store").fetchone()
            source.backup(copy, pages=_PAGES, progress=self._go_on, sleep=0)
            source.execute("ROLLBACK")
            # The copy says of itself that it has a log beside it; a backup is one file.
            copy.execute("PRAGMA journal_mode=DELETE")

    def _undo(self) -> None:
        if self._made:
            self._target.unlink(missing_ok=True)

    def _go_on(self, *_: object) -> None:
        if self._abandoned:
            raise Unavailable(f"{self._target}: the backup was cancelled")


def _taken(target: Path) -> Rejected:
    return Rejected(f"{target}: something stands there; a backup replaces nothing", "target")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
