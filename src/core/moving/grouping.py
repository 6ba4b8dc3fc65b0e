"""The records of an export in pieces that are written together: an entry never apart from its history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ...ports.changes import RestoreEntry
from ...ports.errors import Rejected
from ...ports.records import RELATION_TYPES, Entry, Relation, Revision, Session, Vote
from ...ports.restoring import check_history
from .converting import check_happened, entry_of, relation_of, session_of, vote_of
from .records import EntryRecord, RelationRecord, SessionRecord, VoteRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from .records import Record

HISTORY_BYTES = 32 * 1024 * 1024
"""Of one entry's versions, which are written together: 500 of the longest."""
_BATCH = 256
_BATCH_BYTES = 4 * 1024 * 1024
_OVERHEAD = 512
"""Bytes of a record beside its text, about."""


class Whole(msgspec.Struct, frozen=True):
    """An entry with its former versions, oldest first."""

    entry: Entry
    former: tuple[Revision, ...] = ()

    @property
    def versions(self) -> tuple[Entry, ...]:
        """The oldest first, the current one last."""
        return (*(past.entry for past in self.former), self.entry)

    def version(self, number: int) -> Entry:
        return self.entry if number == self.entry.version else self.former[number - 1].entry


Batch = list[Whole] | list[Relation] | list[Session] | list[Vote]


class Grouping:
    """Judges each record as it comes. Those of a kind stand by ascending key, so that none comes twice unseen."""

    def __init__(self, ceiling: str, now: datetime) -> None:
        self._ceiling = ceiling
        self._now = now
        self._former: list[Revision] = []
        self._history = 0
        self._last: tuple[object, ...] = ()
        self._kind: type[Record] | None = None
        self._batch: list[Whole | Relation | Session | Vote] = []
        self._size = 0

    def add(
        self, records: Iterable[Record]
    ) -> Iterator[list[Whole] | list[Relation] | list[Session] | list[Vote]]:
        """Batches of one kind each, as they are full."""
        for record in records:
            kind = type(record)
            if kind is not self._kind:
                yield from self.close()
                self._kind, self._last = kind, ()
            self._take(record)
            if len(self._batch) >= _BATCH or self._size >= _BATCH_BYTES:
                yield from self._full()

    def close(self) -> Iterator[Batch]:
        """What is left. `Rejected` where that ends within an entry."""
        if self._former:
            raise Rejected(f"content: entry {self._former[0].entry.id} has no current version", "content")
        yield from self._full()

    def _full(self) -> Iterator[Batch]:
        if self._batch:
            batch, self._batch, self._size = self._batch, [], 0
            yield batch  # type: ignore[misc] # of one kind each, as `add` sees to

    def _take(self, record: Record) -> None:
        try:
            check_happened(record, self._now)
            match record:
                case EntryRecord():
                    self._take_version(record)
                case RelationRecord():
                    key = record.source, record.target, RELATION_TYPES.index(record.type)
                    self._put(relation_of(record), key)
                case SessionRecord():
                    self._put(session_of(record, self._ceiling), (record.id,))
                    self._size += len(record.summary) + len(record.purpose)
                case VoteRecord():
                    self._batch.append(vote_of(record, self._ceiling))
                    self._size += len(record.question) + len(record.choice)
        except Rejected as error:
            raise Rejected(f"{_named(record)}: {error}", error.field) from None

    def _take_version(self, record: EntryRecord) -> None:
        entry = entry_of(record, self._ceiling)
        if self._former and self._former[0].entry.id != entry.id:
            raise Rejected(f"entry {self._former[0].entry.id} before it has no current version", "content")
        self._history += len(entry.content) + _OVERHEAD
        if self._history > HISTORY_BYTES:
            raise Rejected(f"its versions are more than {HISTORY_BYTES} bytes together", "content")
        if record.until is not None:
            self._former.append(Revision(entry=entry, until=record.until))
            return
        whole = Whole(entry, tuple(self._former))
        check_history(RestoreEntry(entry, whole.former))
        self._size += self._history
        self._former.clear()
        self._history = 0
        self._put(whole, (entry.id,))

    def _put(self, item: Whole | Relation | Session, key: tuple[object, ...]) -> None:
        if self._last and not self._last < key:
            raise Rejected("it stands twice, or out of order: records stand by ascending ids", "content")
        self._last = key
        self._batch.append(item)
        self._size += _OVERHEAD


def _named(record: Record) -> str:
    match record:
        case EntryRecord():
            return f"entry {record.id[:64]} version {record.version}"
        case RelationRecord():
            return f"relation {record.source[:64]} {record.type} {record.target[:64]}"
        case SessionRecord():
            return f"session {record.id[:64]}"
        case VoteRecord():
            return f"vote of {record.agent[:64]} on {record.question[:64]!r}"
