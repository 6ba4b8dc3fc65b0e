"""Export: everything that a scope and the scopes below it hold, as a stream.

Not one snapshot: what is written meanwhile may be in it or not, each entry with the history that it had when it was
reached. A relation whose other end came too late for the export is told by the import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from ...ports.errors import Unavailable
from ...ports.queries import Sweep
from ...ports.scopes import ScopeFilter
from ..scope import scope_under
from .converting import entry_record, relation_record, session_record, vote_record
from .records import Tally, encode
from .writing import writer_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from ...ports.queries import Page
    from ...ports.records import Revision
    from ...ports.storage import Storage
    from ..requests_moving import Format
    from .records import End, Record

    Report = Callable[[int, int | None, str], None]

T = TypeVar("T")

_PAGE = 128
"""Rows in memory at a time: at 64 KiB each, 8 MiB."""
_PART = 64 * 1024
_TOLD = 1000
"""Records between two reports."""


class Export:
    """`parts` once; after its last one `end` says what went out."""

    def __init__(
        self,
        storage: Storage,
        *,
        scope: str | None,
        ceiling: str,
        form: Format,
        report: Report | None = None,
    ) -> None:
        """`Rejected` where the scope is not one that this caller sees."""
        self.scope = scope_under(scope, ceiling)
        self._storage = storage
        self.form: Format = form
        self._report = report
        self._tally = Tally()
        self._where = ScopeFilter(scope=self.scope, inherit=False, descendants=True, ceiling=ceiling)

    @property
    def end(self) -> End:
        return self._tally.end

    async def parts(self) -> AsyncIterator[bytes]:
        writer = writer_of(self.form)
        pending = bytearray(writer.head(self.scope))
        async for record in self._records():
            line = encode(record)
            self._tally.add(record, line)
            pending += writer.record(record, line)
            if len(pending) >= _PART:
                yield bytes(pending)
                pending.clear()
            if self._report is not None and self._tally.records % _TOLD == 0:
                self._report(self._tally.records, None, f"{self._tally.records} records exported")
        pending += writer.end(self._tally.end)
        yield bytes(pending)

    async def _records(self) -> AsyncIterator[Record]:
        async for revision in self._versions():
            yield entry_record(revision)
        async for relation in self._swept(self._storage.sweep_relations):
            yield relation_record(relation)
        async for session in self._swept(self._storage.sweep_sessions):
            yield session_record(session)
        async for vote in self._swept(self._storage.sweep_votes):
            yield vote_record(vote)

    async def _versions(self) -> AsyncIterator[Revision]:
        """An entry that ends in the midst was purged between two pages, and half of it is written already."""
        former: Revision | None = None
        async for revision in self._swept(self._storage.sweep_versions):
            if former is not None and (former.entry.id, former.entry.version + 1) != (
                revision.entry.id,
                revision.entry.version,
            ):
                raise _purged(former)
            yield revision
            former = None if revision.until is None else revision
        if former is not None:
            raise _purged(former)

    async def _swept(self, call: Callable[[Sweep], Awaitable[Page[T]]]) -> AsyncIterator[T]:
        sweep = Sweep(where=self._where, limit=_PAGE)
        while True:
            page = await call(sweep)
            for item in page.items:
                yield item
            if page.cursor is None:
                return
            sweep = msgspec.structs.replace(sweep, cursor=page.cursor)


def _purged(former: Revision) -> Unavailable:
    return Unavailable(f"entry {former.entry.id} was purged while it was exported; nothing was kept")
