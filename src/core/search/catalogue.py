"""What the search knows of each entry beside its words: a row of numbers, never its text.

An entry is a *document*, numbered in the order in which it came; a new version of it is a new document. The documents
of one scope form a chain by time, which says what stood just before and after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...ports.instants import to_micros
from ...ports.records import KINDS
from .columns import Columns
from .scopes import Scopes
from .speakers import name_words, opening_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ...ports.records import Entry
    from .arrays import Flags

FIRST, LAST = np.iinfo(np.int64).min, np.iinfo(np.int64).max
KIND_CODES = {kind: code for code, kind in enumerate(KINDS)}
NOBODY = 0
_ASKS = ("?", "\uff1f", "\u061f")
"""Question marks: Latin, full width, Arabic."""
_TYPES = {
    "alive": "?", "version": "i8", "scope": "i4", "kind": "i1", "at": "i8", "live_from": "i8", "live_until": "i8",
    "importance": "f4", "author": "i4", "spoken": "?", "asks": "?", "before": "i4", "after": "i4",
}  # fmt: skip


class Catalogue:
    """`docs` has a row a document. `spoken`: the author is the name that opens the text. `before` and `after` are
    documents, -1 at the ends of a chain.
    """

    def __init__(self) -> None:
        self.docs = Columns(_TYPES)
        self.ids: list[str] = []
        self.numbers: dict[str, int] = {}
        self.scopes = Scopes()
        self.authors: dict[str, int] = {"": NOBODY}
        self.named: dict[str, set[int]] = {}
        self.timed = False
        self._tails: dict[int, int] = {}

    def __len__(self) -> int:
        """Documents, dead ones included."""
        return len(self.ids)

    @property
    def alive(self) -> int:
        return len(self.numbers)

    def holds(self, entry_id: str, version: int) -> bool:
        doc = self.numbers.get(entry_id)
        return doc is not None and int(self.docs["version"][doc]) == version

    def add(self, entry: Entry) -> int:
        self.remove(entry.id)
        author = entry.author or opening_name(entry.content)
        ends = [to_micros(end) for end in (entry.valid_until, entry.expires_at) if end is not None]
        begins = FIRST if entry.valid_from is None else to_micros(entry.valid_from)
        self.timed = self.timed or bool(ends) or begins != FIRST
        doc = self.docs.append(
            alive=True,
            version=entry.version,
            scope=self.scopes.number(entry.scope),
            kind=KIND_CODES[entry.kind],
            at=to_micros(entry.at),
            live_from=begins,
            live_until=min(ends, default=LAST),
            importance=entry.importance,
            author=self._author(author),
            spoken=bool(author) and not entry.author,
            asks=entry.content.rstrip().endswith(_ASKS),
            before=-1,
            after=-1,
        )
        self.ids.append(entry.id)
        self.numbers[entry.id] = doc
        self._join_chain(doc)
        return doc

    def remove(self, entry_id: str) -> None:
        doc = self.numbers.pop(entry_id, None)
        if doc is None:
            return
        docs = self.docs
        docs["alive"][doc] = False
        before, after = int(docs["before"][doc]), int(docs["after"][doc])
        if before >= 0:
            docs["after"][before] = after
        if after >= 0:
            docs["before"][after] = before
        else:
            self._tails[int(docs["scope"][doc])] = before

    def restore(self, ids: Sequence[str], scopes: Iterable[str], authors: Iterable[str]) -> None:
        """The books that are kept beside `docs`, which is as it was saved. Scopes and authors in their order."""
        docs = self.docs
        alive = np.flatnonzero(docs["alive"]).tolist()
        self.ids = list(ids)
        self.numbers = {self.ids[doc]: doc for doc in alive}
        for scope in scopes:
            self.scopes.number(scope)
        for name in authors:
            self._author(name)
        if len(self.numbers) != len(alive) or docs["scope"].max(initial=-1) >= len(self.scopes):
            raise ValueError("ids or scopes do not fit")
        ends = np.flatnonzero(docs["alive"] & (docs["after"] < 0))
        self._tails = dict(zip(docs["scope"][ends].tolist(), ends.tolist(), strict=True))
        self.timed = bool((docs["live_from"] != FIRST).any() or (docs["live_until"] != LAST).any())

    def _author(self, name: str) -> int:
        number = self.authors.get(name)
        if number is None:
            number = self.authors[name] = len(self.authors)
            for word in name_words(name):
                self.named.setdefault(word, set()).add(number)
        return number

    def _join_chain(self, doc: int) -> None:
        """By (at, id). Nearly always at the end."""
        docs = self.docs
        scope = int(docs["scope"][doc])
        before, after = self._tails.get(scope, -1), -1
        if before >= 0 and self._place(before) > self._place(doc):
            before = self._last_before(doc, scope)
            after = int(docs["after"][before]) if before >= 0 else self._head(doc, scope)
        docs["before"][doc], docs["after"][doc] = before, after
        if before >= 0:
            docs["after"][before] = doc
        if after >= 0:
            docs["before"][after] = doc
        else:
            self._tails[scope] = doc

    def _place(self, doc: int) -> tuple[int, str]:
        return int(self.docs["at"][doc]), self.ids[doc]

    def _others(self, doc: int, scope: int) -> Flags:
        found: Flags = self.docs["alive"] & (self.docs["scope"] == scope)
        found[doc] = False
        return found

    def _last_before(self, doc: int, scope: int) -> int:
        at = self.docs["at"]
        others = self._others(doc, scope)
        earlier = np.flatnonzero(others & (at <= at[doc]))
        same = [int(each) for each in earlier[at[earlier] == at[doc]]]
        best = max((each for each in same if self.ids[each] < self.ids[doc]), key=self._place, default=-1)
        if best >= 0:
            return best
        earlier = earlier[at[earlier] < at[doc]]
        if not len(earlier):
            return -1
        last = earlier[at[earlier] == at[earlier].max()]
        return max((int(each) for each in last), key=self._place)

    def _head(self, doc: int, scope: int) -> int:
        return int(np.flatnonzero(self._others(doc, scope) & (self.docs["before"] < 0))[0])
