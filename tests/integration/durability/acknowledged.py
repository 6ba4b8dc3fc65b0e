"""What a server has acknowledged, and what must therefore be found after it was killed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from store_processes import every_row, found_by

if TYPE_CHECKING:
    from agent_memory.adapters.sqlite import SqliteStorage
    from agent_memory.ports.records import Entry

EXPIRES = "2099-01-01T00:00:00Z"


class Known(msgspec.Struct, kw_only=True):
    """An entry as it must stand. `words` are the unique words of its versions, the current one last."""

    id: str
    words: list[str]
    tags: tuple[str, ...]
    title: str
    expires: bool
    forgotten: bool = False

    def events(self) -> list[str]:
        changes = ["entry.updated"] * (len(self.words) - 1)
        return ["entry.added", *changes, *(["entry.removed"] if self.forgotten else [])]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a remember call, by its unique word."""

    word: str
    tags: tuple[str, ...]
    title: str
    expires: bool

    def arguments(self) -> dict[str, object]:
        given: dict[str, object] = {
            "content": content_of(self.word),
            "tags": list(self.tags),
            "title": self.title,
            "scope": "crash/test",
        }
        return given | ({"expires_at": EXPIRES} if self.expires else {})

    def as_known(self, entry_id: str) -> Known:
        return Known(id=entry_id, words=[self.word], tags=self.tags, title=self.title, expires=self.expires)


class Unsure(msgspec.Struct, frozen=True, kw_only=True):
    """A call that was never answered: it may have taken effect, whole, or not at all."""

    told: tuple[Told, ...] = ()
    update: tuple[str, str] | None = None
    forget: str | None = None


def content_of(word: str) -> str:
    return f"{word} was learned while the process was about to be killed"


class Ledger:
    def __init__(self) -> None:
        self.known: dict[str, Known] = {}
        self.unsure: list[Unsure] = []
        self.taken_effect = 0
        self._seq = 0
        self._events: dict[str, list[str]] = {}

    async def settle(self, storage: SqliteStorage) -> None:
        """Find out what became of the calls that were never answered; from now on it must stay so."""
        for call in self.unsure:
            if call.told:
                await self._settle_remember(storage, call.told)
            elif call.update is not None:
                await self._settle_update(storage, *call.update)
            elif call.forget is not None and not await storage.get([call.forget]):
                self.known[call.forget].forgotten = True
                self.taken_effect += 1
        self.unsure.clear()

    async def _settle_remember(self, storage: SqliteStorage, told: tuple[Told, ...]) -> None:
        found = [await found_by(storage, one.word) for one in told]
        assert all(len(ids) <= 1 for ids in found)
        there = [bool(ids) for ids in found]
        assert all(there) or not any(there), f"half a batch: {there}"
        if all(there):
            self.taken_effect += 1
            for one, ids in zip(told, found, strict=True):
                self.known[ids[0]] = one.as_known(ids[0])

    async def _settle_update(self, storage: SqliteStorage, entry_id: str, word: str) -> None:
        [entry] = await storage.get([entry_id])
        if entry.content == content_of(word):
            self.known[entry_id].words.append(word)
            self.taken_effect += 1

    async def check(self, storage: SqliteStorage, ids: set[str] | None = None) -> None:
        """Everything known stands whole, and nothing else stands. `ids` limits only the search by words."""
        assert await storage.verify() == []
        rows = {entry.id: entry for entry in await every_row(storage)}
        assert rows.keys() == self.known.keys()
        await self._read_events(storage)
        assert self._events == {known.id: known.events() for known in self.known.values()}
        jobs = await storage.job_stats()
        assert jobs.waiting + jobs.leased == sum(known.expires for known in self.known.values())
        for known in self.known.values():
            _check_row(known, rows[known.id])
            if ids is None or known.id in ids:
                await _check_search(storage, known)

    async def _read_events(self, storage: SqliteStorage) -> None:
        while events := await storage.outbox(self._seq, limit=500):
            for event in events:
                self._events.setdefault(event.subject, []).append(event.kind)
            self._seq = events[-1].seq


def _check_row(known: Known, entry: Entry) -> None:
    assert entry.content == content_of(known.words[-1])
    assert (entry.title, entry.tags) == (known.title, known.tags)
    assert (entry.expires_at is not None) == known.expires
    assert entry.state == ("deleted" if known.forgotten else "active")
    assert entry.version == len(known.words) + known.forgotten


async def _check_search(storage: SqliteStorage, known: Known) -> None:
    for word in known.words[:-1]:
        assert await found_by(storage, word) == [], "a former version is still found"
    assert await found_by(storage, known.words[-1]) == ([] if known.forgotten else [known.id])
