"""Each LoCoMo conversation answered with weights that were chosen on the other ones.

    uv run python benchmarks/held_out.py PATH/TO/locomo.json [--model static onnx] [--noise 1] [--seed 0]

The fold of a conversation: weights are chosen on all others, then the index answers its questions with them. Pooled,
every question is answered with weights that its conversation had no part in. The index alone, in this process, with the
entries and questions of `ablation.py`. MiniLM takes minutes to embed all (once).

How weights are chosen: one at a time, in the order of `NAMES`, at half, 0.7, 1.4 and 2 times their value, the best by
recall@10, then by MRR; at most four rounds. The value stays unless the gain in recall@10 over the questions is more
than `--noise` standard errors of the paired differences. `lexical` is the unit; `apart`, `title`, `tag`, `recency` and
`importance` stay as they are (no entry here has a title, a tag or an importance of its own).

The shipped weights were set with these conversations in sight, so a search that begins there knows something of those
left out. The one that begins with every weight at 0.5 does not.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec
import numpy as np
from ablation import Asking
from locomo import read_conversations
from parts import Parts
from ranking import hit_at_1, ndcg_at, recall_at, reciprocal_rank

from agent_memory.adapters.embedders.onnx import OnnxEmbedder
from agent_memory.adapters.embedders.static import StaticEmbedder
from agent_memory.core.search.weights import Weights
from agent_memory_contract.minilm import make_minilm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ablation import Embeds
    from locomo import Conversation
    from numpy.typing import NDArray

    from agent_memory.ports.embedder import Kind

NAMES = ("dense", "before", "after", "beyond", "answer", "session", "author", "speaker", "date", "question")
FACTORS = (0.5, 0.7, 1.4, 2.0)
ROUNDS = 4
MEASURES = ("recall@5", "recall@10", "recall@20", "hit@1", "MRR", "nDCG@10")
_RECALL = MEASURES.index("recall@10")
_RESAMPLES = 10_000


class Way(NamedTuple):
    """A way to come to weights: where the search begins and which of them it may change."""

    name: str
    start: Weights
    names: tuple[str, ...]


SHIPPED = Way("shipped", Weights(), ())
WAYS = (
    SHIPPED,
    Way("dense chosen, from shipped", Weights(), ("dense",)),
    Way("all chosen, from shipped", Weights(), NAMES),
    Way("all chosen, from 0.5 each", msgspec.structs.replace(Weights(), **dict.fromkeys(NAMES, 0.5)), NAMES),
)


class Kept:
    """An embedder that embeds a text once."""

    def __init__(self, embedder: Embeds) -> None:
        self._embedder = embedder
        self._vectors: dict[tuple[Kind, str], bytes] = {}

    @property
    def model(self) -> str:
        return self._embedder.model

    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]:
        new = [text for text in dict.fromkeys(texts) if (kind, text) not in self._vectors]
        if new:
            vectors = await self._embedder.embed(new, kind=kind)
            self._vectors.update(zip([(kind, text) for text in new], vectors, strict=True))
        return [self._vectors[kind, text] for text in texts]


class Judged:
    """One conversation's questions, under any weights."""

    def __init__(self, asking: Asking, model: str, conversation: Conversation) -> None:
        self.name = conversation.name
        self._asking = asking
        self._model = model
        self._conversation = conversation
        self._parts = [
            Parts(
                asking.index,
                asking.as_asked(conversation, question, model, Weights()),
                asking.behind,
                question.evidence,
            )
            for question in conversation.questions
        ]
        self._tried: dict[Weights, NDArray[np.float64]] = {}
        self._answered: dict[Weights, NDArray[np.float64]] = {}

    def tried(self, weights: Weights) -> NDArray[np.float64]:
        """recall@10 and the reciprocal rank of each question, by its parts."""
        if weights not in self._tried:
            self._tried[weights] = np.array([parts.judged(weights) for parts in self._parts])
        return self._tried[weights]

    def answered(self, weights: Weights) -> NDArray[np.float64]:
        """`MEASURES` of each question, as the index itself answers it."""
        if weights not in self._answered:
            questions = self._conversation.questions
            self._answered[weights] = np.array(
                [
                    _measures(ranked, question.evidence)
                    for ranked, question in zip(self.by_index(weights), questions, strict=True)
                ]
            )
        return self._answered[weights]

    def by_index(self, weights: Weights) -> list[list[str]]:
        return [
            self._asking.ranked(self._asking.as_asked(self._conversation, question, self._model, weights))
            for question in self._conversation.questions
        ]

    def by_parts(self, weights: Weights) -> list[list[str]]:
        return [parts.ranked(weights, 20) for parts in self._parts]


def _measures(ranked: Sequence[str], evidence: Sequence[str]) -> list[float]:
    """`MEASURES`."""
    recall = [recall_at(k, ranked, evidence) for k in (5, 10, 20)]
    return [
        *recall,
        hit_at_1(ranked, evidence),
        reciprocal_rank(ranked, evidence),
        ndcg_at(10, ranked, evidence),
    ]


class Tried(Protocol):
    """Questions, and what a set of weights finds of each: rows of recall@10 and the reciprocal rank."""

    def tried(self, weights: Weights) -> NDArray[np.float64]: ...


def choose(others: Sequence[Tried], way: Way, noise: float) -> Weights:
    """Only what it is given is looked at."""

    def tried(weights: Weights) -> NDArray[np.float64]:
        return np.concatenate([each.tried(weights) for each in others])

    weights = way.start
    for _ in range(ROUNDS):
        before = weights
        for name in way.names:
            here = tried(weights)
            around = [
                msgspec.structs.replace(weights, **{name: round(getattr(weights, name) * factor, 3)})
                for factor in FACTORS
            ]
            best = max(around, key=lambda each: tuple(tried(each).mean(axis=0)))
            gains = (tried(best) - here)[:, 0]
            if gains.mean() > noise * gains.std(ddof=1) / np.sqrt(len(gains)):
                weights = best
        if weights == before:
            break
    return weights


def folds(judged: Sequence[Judged], way: Way, noise: float) -> list[Weights]:
    """For each, the weights chosen on all others."""
    return [choose([other for other in judged if other is not each], way, noise) for each in judged]


def interval(values: NDArray[np.float64], seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of the mean of the rows: where 95 % of the means of samples drawn with replacement lie."""
    draw = np.random.default_rng(seed)
    means = [values[draw.integers(0, len(values), len(values))].mean(axis=0) for _ in range(_RESAMPLES)]
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    return low, high


def report(title: str, judged: Sequence[Judged], *, noise: float, seed: int) -> None:
    print(f"\n{title}: {sum(len(each.answered(Weights())) for each in judged)} questions")
    chosen = {way.name: folds(judged, way, noise) for way in WAYS}
    answers = {
        name: [each.answered(weights) for each, weights in zip(judged, fold, strict=True)]
        for name, fold in chosen.items()
    }
    shipped = np.concatenate(answers[SHIPPED.name])
    print(
        f"{'':28}"
        + "".join(f"{name:>16}" for name in MEASURES)
        + f"{'recall@10 - shipped':>24}{'on the others':>16}"
    )
    for name, each in answers.items():
        pooled = np.concatenate(each)
        low, high = interval(pooled, seed)
        print(f"{name:28}" + "".join(f"{value:16.3f}" for value in pooled.mean(axis=0)), end="")
        gains = (pooled - shipped)[:, [_RECALL]]
        less, more = interval(gains, seed)
        print(f"{gains.mean():+24.3f}{_on_the_others(judged, chosen[name]):16.3f}")
        between = [f"{a:.3f} to {b:.3f}" for a, b in zip(low, high, strict=True)]
        print(f"{'  95 %':28}" + "".join(f"{text:>16}" for text in between), end="")
        print(f"{f'{less[0]:+.3f} to {more[0]:+.3f}':>24}")
    for place, one in enumerate(judged):
        print(f"  left out: {one.name} ({len(one.answered(Weights()))} questions)")
        for way in WAYS:
            means = "".join(f"{value:8.3f}" for value in answers[way.name][place].mean(axis=0))
            print(f"    {way.name:28}{means}  {_changes(way, chosen[way.name][place])}")


def _on_the_others(judged: Sequence[Judged], fold: Sequence[Weights]) -> float:
    """recall@10 where the weights were chosen, all folds together: what it is beyond the pooled one is fitted."""
    found = [
        other.tried(weights)[:, 0]
        for each, weights in zip(judged, fold, strict=True)
        for other in judged
        if other is not each
    ]
    return float(np.concatenate(found).mean())


def _changes(way: Way, weights: Weights) -> str:
    changed = [name for name in way.names if getattr(weights, name) != getattr(way.start, name)]
    return ", ".join(f"{name} {getattr(weights, name):g}" for name in changed) or "as it began"


async def measure(
    conversations: Sequence[Conversation], embedder: Embeds, *, noise: float, seed: int
) -> None:
    kept = Kept(embedder)
    for form, isolated in (("in sessions", False), ("isolated", True)):
        asking = Asking(conversations, isolated=isolated)
        await asking.prepare(kept)
        judged = [Judged(asking, kept.model, each) for each in conversations]
        report(f"{kept.model.partition('@')[0]}, {form}", judged, noise=noise, seed=seed)


async def measure_all(
    conversations: Sequence[Conversation], models: Sequence[str], *, noise: float, seed: int
) -> None:
    if "static" in models:
        async with StaticEmbedder() as static:
            await measure(conversations, static, noise=noise, seed=seed)
    if "onnx" in models:
        with TemporaryDirectory() as folder:
            async with OnnxEmbedder(make_minilm(Path(folder) / "all-MiniLM-L6-v2")) as minilm:
                await measure(conversations, minilm, noise=noise, seed=seed)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="the JSON of LoCoMo, as published")
    parser.add_argument("--model", nargs="+", choices=("static", "onnx"), default=["static", "onnx"])
    parser.add_argument("--noise", type=float, default=1.0, help="standard errors (default: 1)")
    parser.add_argument("--seed", type=int, default=0, help="of the resampling (default: 0)")
    given = parser.parse_args()
    conversations = read_conversations(given.data.read_bytes())
    asyncio.run(measure_all(conversations, given.model, noise=given.noise, seed=given.seed))


if __name__ == "__main__":
    main()
