"""Near-duplicates of what is being remembered: looked for beside the write, which waits for it a moment at most."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ...ports.records import Entry
from .alike import candidates
from .matching import live
from .similar import LONGEST, same_fact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ...ports.embedder import Embedder
    from ...ports.storage import Storage
    from ...ports.worker import Worker
    from .index import Index

_MOST = 3
"""Reported of one entry."""
_NEAR = 0.4
"""Cosine. The words decide, meaning may only object: the static model sees well under 0.8 where one word stands for
another that is the same (`docs`, `documentation`), and more than this between all pairs of the tests' table.
"""


class Similar(msgspec.Struct, frozen=True):
    """`score`: 0 to 1, of agreement in words and, where there is an embedder in this process, in meaning."""

    entry: Entry
    score: float


async def similar_to(
    index: Index,
    entries: Sequence[Entry],
    *,
    ceiling: str,
    now: datetime,
    storage: Storage,
    worker: Worker,
    embedder: Embedder | None,
) -> list[tuple[Similar, ...] | None]:
    """Of each entry, the best first; None for a text too long to compare. `embedder` is one in this process."""
    may_be = await worker.run(lambda: [candidates(index, entry, ceiling) for entry in entries])
    ids = list(dict.fromkeys(each for some in may_be for each in some))
    standing = {entry.id: entry for entry in await storage.get(ids, ceiling=ceiling)} if ids else {}
    found: list[tuple[Similar, ...] | None] = []
    for entry, some in zip(entries, may_be, strict=True):
        if len(entry.content) > LONGEST:
            found.append(None)
            continue
        alike = [
            Similar(other, score)
            for other in (standing[each] for each in some if each in standing)
            if other.state == "active" and live(other, now) and (score := same_fact(entry, other))
        ]
        if alike and embedder is not None:
            alike = await _near(entry, alike, embedder)
        alike.sort(key=lambda each: (each.score, each.entry.id), reverse=True)
        found.append(tuple(alike[:_MOST]))
        if alike:
            await asyncio.sleep(0)  # comparing takes a millisecond where the texts are long
    return found


async def _near(entry: Entry, alike: Sequence[Similar], embedder: Embedder) -> list[Similar]:
    texts = [entry.content, *(each.entry.content for each in alike)]
    vectors = [np.frombuffer(each, "<f4") for each in await embedder.embed(texts, kind="document")]
    cosines = [float(vectors[0] @ vector) for vector in vectors[1:]]
    return [
        Similar(each.entry, min(each.score, cosine))
        for each, cosine in zip(alike, cosines, strict=True)
        if cosine >= _NEAR
    ]
