"""The index as bytes, and back, so that a start need not read the whole store.

A head in JSON, then the sections one after the other; the head says their names, lengths and checksum. `mark` ties it
to one history of one store: who loads it compares that with the store. Whatever is not exactly so is refused.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from .index import Index
from .vectors import VectorTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .catalogue import Catalogue
    from .columns import Columns, Rows
    from .postings import Postings

FORMAT = "agent-memory index 1"
"""Another number when terms, columns or their meaning change: an index of the former kind is then made anew."""
_SEPARATOR = "\0"


class Mark(msgspec.Struct, frozen=True):
    """Up to which event the index has followed, and the digest of that event: another store, or another history of
    this one (restored from a backup, say), has another event there.
    """

    seq: int
    event: str


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    mark: Mark
    sections: list[tuple[str, int, str]]
    models: dict[str, int]
    digest: str


class Damaged(ValueError):
    pass


def to_bytes(index: Index, mark: Mark) -> list[bytes]:
    """A copy: the index may go on."""
    parts = list(_sections(index))
    models = {model: table.dimension for model, table in index.tables.items()}
    digest = blake2b(digest_size=16)
    for _, data, _ in parts:
        digest.update(data)
    head = _Head(
        FORMAT, mark, [(name, len(data), kind) for name, data, kind in parts], models, digest.hexdigest()
    )
    return [msgspec.json.encode(head) + b"\n", *(data for _, data, _ in parts)]


def mark_of(data: bytes) -> Mark:
    return _head(data)[0].mark


def from_bytes(data: bytes) -> Index:
    """`Damaged` when it is cut, altered, or of another format."""
    head, start = _head(data)
    if blake2b(memoryview(data)[start:], digest_size=16).hexdigest() != head.digest:
        raise Damaged("checksum")
    sections: dict[str, Any] = {}
    for name, length, kind in head.sections:
        view = memoryview(data)[start : start + length]
        sections[name] = bytes(view).decode() if kind == "text" else np.frombuffer(view, kind)
        start += length
    try:
        return _index(sections, head.models)
    except (KeyError, ValueError, IndexError, OverflowError) as error:
        raise Damaged(str(error)) from error


def _head(data: bytes) -> tuple[_Head, int]:
    end = data.find(b"\n", 0, 1 << 20)
    try:
        head = msgspec.json.decode(data[: max(0, end)], type=_Head)
    except msgspec.DecodeError as error:
        raise Damaged(str(error)) from error
    if head.format != FORMAT or len(data) != end + 1 + sum(length for _, length, _ in head.sections):
        raise Damaged("format or length")
    return head, end + 1


def _sections(index: Index) -> Iterator[tuple[str, bytes, str]]:
    catalogue = index.catalogue
    yield _text("ids", catalogue.ids)
    yield _text("scopes", catalogue.scopes.names)
    yield _text("authors", catalogue.authors)
    yield from _columns("docs", catalogue.docs)
    yield from _columns("chunks", index.chunks)
    yield from _columns("first_chunk", index.first_chunk)
    for name in ("postings", "tags", "titles"):
        yield from _postings(name, getattr(index, name))
    for model, table in index.tables.items():
        for name in ("chunks", "signs", "first"):
            yield from _columns(f"{model} {name}", getattr(table, name))
        yield f"{model} values", table.values.view.tobytes(), "|i1"


def _text(name: str, texts: Iterable[str]) -> tuple[str, bytes, str]:
    return name, _SEPARATOR.join(texts).encode(), "text"


def _texts(text: str, count: int) -> list[str]:
    texts = text.split(_SEPARATOR) if count else []
    if len(texts) != count:
        raise Damaged(f"{len(texts)} texts, {count} expected")
    return texts


def _columns(name: str, columns: Columns) -> Iterator[tuple[str, bytes, str]]:
    for column in columns.names:
        array = columns[column]
        yield f"{name}.{column}", array.tobytes(), array.dtype.str


def _postings(name: str, postings: Postings) -> Iterator[tuple[str, bytes, str]]:
    terms: list[str] = []
    counts: list[int] = []
    # Term by term, not in one call over all of them: that would keep every other thread waiting.
    rows = bytearray()
    for term, numbers in postings.items():
        terms.append(term)
        counts.append(len(numbers))
        rows += numbers.tobytes()
    kind = np.dtype(np.int32).str
    yield _text(name, terms)
    yield f"{name}.counts", np.array(counts, np.int32).tobytes(), kind
    yield f"{name}.rows", bytes(rows), kind


def _index(sections: Mapping[str, Any], models: Mapping[str, int]) -> Index:
    index = Index()
    catalogue: Catalogue = index.catalogue
    _take("docs", catalogue.docs, sections)
    _take("chunks", index.chunks, sections)
    _take("first_chunk", index.first_chunk, sections)
    catalogue.restore(
        _texts(sections["ids"], len(catalogue.docs)),
        sections["scopes"].split(_SEPARATOR) if sections["scopes"] else [],
        sections["authors"].split(_SEPARATOR),
    )
    for name in ("postings", "tags", "titles"):
        counts, rows = sections[f"{name}.counts"], sections[f"{name}.rows"]
        ends = np.cumsum(counts)
        postings: Postings = getattr(index, name)
        for term, start, end in zip(
            _texts(sections[name], len(counts)), (ends - counts).tolist(), ends.tolist(), strict=True
        ):
            postings.put(term, rows[start:end])
    for model, dimension in models.items():
        table = index.tables[model] = VectorTable(dimension)
        for name in ("chunks", "signs", "first"):
            _take(f"{model} {name}", getattr(table, name), sections)
        values: Rows = table.values
        values.take(sections[f"{model} values"].reshape(len(table.chunks), dimension))
    return index


def _take(name: str, columns: Columns, sections: Mapping[str, Any]) -> None:
    columns.take({column: sections[f"{name}.{column}"] for column in columns.names})
