"""What each ingredient of the ranking gives, on LoCoMo.

    uv run python benchmarks/ablation.py PATH/TO/locomo.json [--only 1 2 3] [--isolated] [--set NAME=VALUE ...]

The index alone, in this process, with the static model: the same entries and questions as `retrieval.py`, seconds a
run. `--only`: these conversations (the weights were chosen on 1, 2 and 3).
"""

from __future__ import annotations

import argparse
import asyncio
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

import msgspec
from locomo import Conversation, Question, chosen, read_conversations
from ranking import recall_at, reciprocal_rank

from agent_memory.adapters.embedders.static import StaticEmbedder
from agent_memory.core.search.index import Asked, Index
from agent_memory.core.search.weights import Weights
from agent_memory.ports.queries import EntryFilter
from agent_memory.ports.records import Entry, Vector
from agent_memory.ports.scopes import ScopeFilter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent_memory.ports.embedder import Kind

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_NEIGHBOURS = ("before", "after", "beyond", "answer")
ABLATIONS: dict[str, tuple[str, ...]] = {
    "everything": (),
    "no neighbours": _NEIGHBOURS,
    "no answer after a question": ("answer",),
    "no session": ("session",),
    "no author": ("author", "speaker"),
    "no date": ("date",),
    "no penalty for questions": ("question",),
    "no recency, no importance": ("recency", "importance"),
    "no meaning": ("dense",),
    "no context (session, neighbours)": (*_NEIGHBOURS, "session"),
    "words alone": (
        *_NEIGHBOURS, "session", "author", "speaker", "date", "question", "recency", "importance", "dense", "title",
        "tag",
    ),
    "meaning alone": (
        *_NEIGHBOURS, "session", "author", "speaker", "date", "question", "recency", "importance", "lexical", "title",
        "tag",
    ),
}  # fmt: skip


class Embeds(Protocol):
    """Of `Embedder`, what is needed here."""

    @property
    def model(self) -> str: ...

    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]: ...


class Asking:
    """The turns of some conversations, indexed and embedded, and their questions."""

    def __init__(self, conversations: Sequence[Conversation], *, isolated: bool) -> None:
        self._conversations = conversations
        self._isolated = isolated
        self._index = Index()
        self._behind: dict[str, str] = {}
        self._vectors: dict[tuple[str, str], bytes] = {}

    @property
    def index(self) -> Index:
        return self._index

    @property
    def behind(self) -> Mapping[str, str]:
        """Which turn stands behind each entry's id."""
        return self._behind

    async def prepare(self, embedder: Embeds) -> None:
        number = 0
        for each in self._conversations:
            for turn, values in zip(
                each.turns,
                await embedder.embed([turn.content for turn in each.turns], kind="document"),
                strict=True,
            ):
                number += 1
                at = _NOW + timedelta(milliseconds=number)
                entry = Entry(
                    id=f"{number:08}",
                    scope=each.name if self._isolated else f"locomo/{each.name}/{turn.session}",
                    content=turn.content,
                    content_hash=b"",
                    created_at=at,
                    updated_at=at,
                    author="" if self._isolated else turn.speaker,
                    occurred_at=None if self._isolated else turn.occurred_at,
                )
                self._behind[entry.id] = turn.dia_id
                self._index.put(entry)
                self._index.put_vectors(entry.id, embedder.model, [Vector(values=values)])
            for question in each.questions:
                asked = self._index.dense_question(question.text, self._where(each))
                (self._vectors[each.name, question.text],) = await embedder.embed([asked], kind="query")

    def scores(self, model: str, weights: Weights) -> dict[str, float]:
        found: dict[str, list[float]] = defaultdict(list)
        for each in self._conversations:
            for question in each.questions:
                ranked = self.ranked(self.as_asked(each, question, model, weights))
                found["recall@5"].append(recall_at(5, ranked, question.evidence))
                found["recall@10"].append(recall_at(10, ranked, question.evidence))
                found["MRR"].append(reciprocal_rank(ranked, question.evidence))
        return {name: sum(values) / len(values) for name, values in found.items()}

    def as_asked(self, conversation: Conversation, question: Question, model: str, weights: Weights) -> Asked:
        vectors = {model: self._vectors[conversation.name, question.text]} if weights.dense else {}
        return Asked(question.text, self._where(conversation), vectors, 20, _NOW, weights)

    def ranked(self, asked: Asked) -> list[str]:
        """Turns, best first."""
        return [self._behind[one.id] for one in self._index.search(asked)]

    async def asked(self, weights: Weights, embedder: Embeds | None) -> tuple[float, list[float]]:
        """recall@10, and the seconds of each question from its text to the ranked answer. None: without meaning."""
        found: list[float] = []
        times: list[float] = []
        for each in self._conversations:
            where = self._where(each)
            for question in each.questions:
                started = perf_counter()
                vectors: dict[str, bytes] = {}
                if embedder is not None:
                    text = self._index.dense_question(question.text, where)
                    (vectors[embedder.model],) = await embedder.embed([text], kind="query")
                best = self._index.search(Asked(question.text, where, vectors, 10, _NOW, weights))
                times.append(perf_counter() - started)
                found.append(recall_at(10, [self._behind[one.id] for one in best], question.evidence))
        return sum(found) / len(found), times

    def _where(self, conversation: Conversation) -> EntryFilter:
        scope = conversation.name if self._isolated else f"locomo/{conversation.name}"
        return EntryFilter(where=ScopeFilter(scope=scope, inherit=False, descendants=True), live_at=_NOW)


async def measure(conversations: Sequence[Conversation], weights: Weights, *, isolated: bool) -> None:
    async with StaticEmbedder() as embedder:
        asking = Asking(conversations, isolated=isolated)
        await asking.prepare(embedder)
        print(f"{'':34}{'recall@5':>10}{'recall@10':>11}{'MRR':>8}")
        for name, left_out in ABLATIONS.items():
            scores = asking.scores(
                embedder.model, msgspec.structs.replace(weights, **dict.fromkeys(left_out, 0.0))
            )
            print(f"{name:34}{scores['recall@5']:10.3f}{scores['recall@10']:11.3f}{scores['MRR']:8.3f}")
        scores = asking.scores(embedder.model, msgspec.structs.replace(weights, fusion="rrf"))
        print(
            f"{'by rank (RRF, k = 60)':34}{scores['recall@5']:10.3f}{scores['recall@10']:11.3f}{scores['MRR']:8.3f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="the JSON of LoCoMo, as published")
    parser.add_argument(
        "--only", type=int, nargs="+", help="conversations, by their place in the file, from 1"
    )
    parser.add_argument("--isolated", action="store_true", help="without session, author and date")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="other weights")
    given = parser.parse_args()
    conversations = chosen(read_conversations(given.data.read_bytes()), given.only)
    changes = {name: float(value) for name, _, value in (each.partition("=") for each in given.set)}
    weights = msgspec.structs.replace(Weights(), **changes)
    asyncio.run(measure(conversations, weights, isolated=given.isolated))


if __name__ == "__main__":
    main()
