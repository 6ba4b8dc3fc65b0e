"""An index of given entries, and questions to it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from agent_memory.core.search.index import Asked, Index
from agent_memory.core.search.weights import Weights
from agent_memory.ports.queries import EntryFilter
from agent_memory.ports.scopes import ScopeFilter
from agent_memory_contract.builders import T0

if TYPE_CHECKING:
    from datetime import datetime

    from agent_memory.core.search.rank import Ranked
    from agent_memory.ports.records import Entry

EVERYWHERE = EntryFilter(where=ScopeFilter(descendants=True), live_at=T0)
NOW = T0 + timedelta(days=1)
PLAIN = Weights(
    before=0, after=0, beyond=0, answer=0, session=0, author=0, speaker=0, date=0, question=0, title=0, tag=0,
    recency=0, importance=0,
)  # fmt: skip
"""Words and meaning only."""


def index_of(*entries: Entry) -> Index:
    index = Index()
    for entry in entries:
        index.put(entry)
    return index


def ask(
    index: Index,
    text: str,
    *,
    weights: Weights = PLAIN,
    where: EntryFilter = EVERYWHERE,
    vectors: dict[str, bytes] | None = None,
    limit: int = 10,
    now: datetime = NOW,
) -> list[Ranked]:
    return index.search(Asked(text, where, vectors or {}, limit, now, weights))


def found(index: Index, text: str, *, weights: Weights = PLAIN, where: EntryFilter = EVERYWHERE) -> list[str]:
    return [one.id for one in ask(index, text, weights=weights, where=where)]
