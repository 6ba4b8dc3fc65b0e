"""Similar entries, looked for beside the write of new ones."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from .results import Alike, label_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime
    from types import TracebackType

    from ..ports.records import Entry
    from .caller import Caller
    from .finder import Finder
    from .search.looking import Similar

_MOST = 16
"""Entries of one call. Whoever brings more at once imports, and reads no list of similar ones."""


class Looking:
    """Begins on entering; ends with the block, whatever has become of the write."""

    def __init__(
        self, search: Finder | None, entries: Sequence[Entry], caller: Caller, now: datetime
    ) -> None:
        self._search = search
        self._entries = entries
        self._ceiling = caller.ceiling
        self._now = now
        self._task: asyncio.Task[list[tuple[Similar, ...] | None] | None] | None = None

    def __enter__(self) -> Self:
        if self._search is not None and len(self._entries) <= _MOST and self._search.ready:
            self._task = asyncio.create_task(
                self._search.similar(self._entries, ceiling=self._ceiling, now=self._now),
                name="look for similar",
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()

    async def found(self) -> list[tuple[Similar, ...] | None] | None:
        """None where nothing was looked for, or not to the end."""
        if self._task is None:
            return None
        await asyncio.wait([self._task])
        # Its thread may be closing: the entries are stored all the same.
        return None if self._task.cancelled() else self._task.result()


def alike(similar: Iterable[Similar] | None, written: Collection[str]) -> tuple[Alike, ...] | None:
    """What the caller hears: not of the entries that this very call wrote or met again."""
    if similar is None:
        return None
    return tuple(
        Alike(id=each.entry.id, title=label_of(each.entry), score=round(each.score, 2))
        for each in similar
        if each.entry.id not in written
    )
