"""The search index: entries and vectors in, ranked document numbers out. One thread at a time; it waits for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .catalogue import Catalogue
from .chunks import chunks
from .columns import Columns
from .masks import mask
from .postings import Postings
from .question import read_question, without_common_names
from .rank import Ranked, rank
from .vectors import VectorTable
from .words import Words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from ...ports.queries import EntryFilter
    from ...ports.records import Entry, Vector
    from .weights import Weights

_COMMON_SHARE = 0.1


class Asked(NamedTuple):
    """`vectors`: the question as each model sees it, the preferred model first; float32, unit length."""

    text: str
    where: EntryFilter
    vectors: Mapping[str, bytes]
    limit: int
    now: datetime
    weights: Weights


class Index:
    """`chunks` has a row a chunk: long entries have several, and are found by their best."""

    def __init__(self) -> None:
        self.words = Words()
        self.catalogue = Catalogue()
        self.chunks = Columns({"doc": "i4", "start": "i4", "end": "i4"})
        self.first_chunk = Columns({"row": "i4"})
        self.postings = Postings()
        self.tags = Postings()
        self.titles = Postings()
        self.tables: dict[str, VectorTable] = {}

    def __len__(self) -> int:
        return self.catalogue.alive

    @property
    def dead(self) -> int:
        return len(self.catalogue) - self.catalogue.alive

    def put(self, entry: Entry) -> None:
        """In place of its former version. What is not active is not found."""
        if self.holds(entry.id, entry.version):
            return
        if entry.state != "active":
            self.remove(entry.id)
            return
        doc = self.catalogue.add(entry)
        self.first_chunk.append(row=len(self.chunks))
        about = " ".join((entry.title, entry.author, *entry.tags))
        for start, end in chunks(entry.content):
            row = self.chunks.append(doc=doc, start=start, end=end)
            text = entry.content if end == len(entry.content) and not start else entry.content[start:end]
            self.postings.add(row, set(self.words.terms(f"{about} {text}")))
        if entry.tags:
            self.tags.add(doc, entry.tags)
        if entry.title:
            self.titles.add(doc, set(self.words.terms(entry.title)))

    def holds(self, entry_id: str, version: int) -> bool:
        return self.catalogue.holds(entry_id, version)

    def remove(self, entry_id: str) -> None:
        self.catalogue.remove(entry_id)

    def put_vectors(self, entry_id: str, model: str, vectors: Sequence[Vector]) -> None:
        """Nothing where the entry is not here."""
        doc = self.catalogue.numbers.get(entry_id)
        if doc is None or not vectors:
            return
        dimension = len(vectors[0].values) // 4
        table = self.tables.get(model)
        if table is None or table.dimension != dimension:
            table = self.tables[model] = VectorTable(dimension)
        table.put(doc, vectors)

    def dense_question(self, text: str, where: EntryFilter) -> str:
        """What of the question to embed."""
        admitted = mask(self.catalogue, self.tags, where)
        most = _COMMON_SHARE * np.count_nonzero(admitted)

        def common(term: str) -> bool:
            docs = self.chunks["doc"][self.postings.rows(term)]
            return bool(np.count_nonzero(admitted[docs]) > most)

        return without_common_names(text, common)

    def search(self, asked: Asked) -> list[Ranked]:
        """Best first."""
        if not len(self.catalogue):
            return []
        admitted = mask(self.catalogue, self.tags, asked.where)
        vectors = {
            model: np.frombuffer(vector, "<f4")
            for model, vector in asked.vectors.items()
            if model in self.tables and len(vector) == self.tables[model].dimension * 4
        }
        return rank(
            self,
            read_question(asked.text),
            admitted,
            vectors,
            weights=asked.weights,
            now=asked.now,
            limit=asked.limit,
        )

    def embedded(self, model: str) -> int:
        """How many entries have a vector of the model."""
        table = self.tables.get(model)
        if table is None:
            return 0
        has = table.first["count"] > 0
        return int(np.count_nonzero(has & self.catalogue.docs["alive"][: len(has)]))

    def unembedded(self, model: str) -> list[str]:
        """Ids of entries without a vector of the model."""
        table = self.tables.get(model)
        return [
            entry_id
            for entry_id, doc in self.catalogue.numbers.items()
            if table is None or not table.has(doc)
        ]
