from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from benchmarks.ablation import Asking
from benchmarks.held_out import NAMES, Judged, Kept, Way, choose, folds, interval
from benchmarks.locomo import Conversation, Question, Turn

from agent_memory.adapters.embedders.static import StaticEmbedder
from agent_memory.core.search.weights import Weights

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from agent_memory.ports.embedder import Kind

SAID = (
    "I bought a red kite on Monday", "What did you do with it?", "It flew over the lake until dusk",
    "My sister paints boats and harbours", "The bakery opens at seven", "Did you see the boats?",
    "We walked around the harbour", "The kite is torn now", "I will mend it with tape", "Seven loaves were sold",
)  # fmt: skip
ASKED = (
    "What did Ann buy in May 2023?",
    "Who paints boats?",
    "When does the bakery open?",
    "What happened to the kite?",
)


def conversation(name: str, seed: int, evidence: str = "") -> Conversation:
    """Two sessions of what is said above, in an order of its own; `evidence` in place of the answers."""
    draw = Random(seed)
    turns = tuple(
        Turn(
            dia_id=f"D{session}:{place}",
            session=session,
            speaker=(speaker := ("Ann", "Bob")[place % 2]),
            content=f"{speaker}: {text}",
            occurred_at=datetime(2023, 4 + session, 8, tzinfo=UTC) + timedelta(minutes=place),
        )
        for session in (1, 2)
        for place, text in enumerate(draw.sample(SAID, len(SAID)))
    )
    questions = tuple(
        Question(text=text, category=4, evidence=(evidence or draw.choice(turns).dia_id,)) for text in ASKED
    )
    return Conversation(name=name, turns=turns, questions=questions)


async def judged(*conversations: Conversation, isolated: bool = False) -> list[Judged]:
    async with StaticEmbedder() as embedder:
        asking = Asking(conversations, isolated=isolated)
        await asking.prepare(embedder)
        return [Judged(asking, embedder.model, each) for each in conversations]


@pytest.mark.parametrize("isolated", [False, True])
async def test_any_weights_find_by_parts_what_the_index_finds(isolated: bool) -> None:
    ours = await judged(conversation("one", 1), conversation("two", 2), isolated=isolated)
    draw = Random(3)
    for _ in range(20):
        weights = msgspec.structs.replace(Weights(), **{name: draw.uniform(0.05, 2) for name in NAMES})
        for each in ours:
            assert each.by_parts(weights) == each.by_index(weights)
            assert np.array_equal(each.tried(weights), each.answered(weights)[:, [1, 4]])


async def test_weights_are_chosen_without_a_look_at_the_conversation_that_is_left_out() -> None:
    way = Way("all", Weights(), NAMES)
    others = [conversation("two", 2), conversation("three", 3)]
    as_it_is = await judged(conversation("one", 1), *others)
    altered = await judged(conversation("one", 1, evidence="D2:9"), *others)
    assert not np.array_equal(as_it_is[0].answered(Weights()), altered[0].answered(Weights()))
    assert folds(as_it_is, way, noise=0)[0] == folds(altered, way, noise=0)[0]


class Told:
    """Ten questions whose recall is as told."""

    def __init__(self, recall: Callable[[Weights, int], float], mrr: Callable[[Weights], float]) -> None:
        self._recall = recall
        self._mrr = mrr

    def tried(self, weights: Weights) -> NDArray[np.float64]:
        return np.array([[self._recall(weights, n), self._mrr(weights)] for n in range(10)])


def chosen(recall: Callable[[Weights, int], float], mrr: Callable[[Weights], float], noise: float) -> float:
    way = Way("dense", msgspec.structs.replace(Weights(), dense=0.5), ("dense",))
    return choose([Told(recall, mrr)], way, noise).dense


def test_the_search_moves_towards_what_finds_more_and_no_further() -> None:
    assert chosen(lambda weights, _: -abs(weights.dense - 2), lambda _: 0, 1) == 2
    assert chosen(lambda weights, _: -abs(weights.dense - 0.25), lambda _: 0, 1) == 0.25


def test_of_two_that_find_as_much_the_one_with_the_higher_mrr_is_taken() -> None:
    assert chosen(lambda weights, _: float(weights.dense > 0.5), lambda weights: -weights.dense, 1) == 0.7


def test_a_gain_below_the_noise_changes_nothing() -> None:
    def one_in_ten(weights: Weights, question: int) -> float:
        return float(question == 0 and weights.dense > 0.5)

    assert chosen(one_in_ten, lambda _: 0, 1.5) == 0.5
    assert chosen(one_in_ten, lambda _: 0, 0) == 0.7


def test_the_interval_holds_the_mean_and_is_the_same_for_a_seed() -> None:
    values = np.random.default_rng(1).random((200, 2))
    low, high = interval(values, 0)
    assert (low < values.mean(axis=0)).all()
    assert (values.mean(axis=0) < high).all()
    # 1.96 standard errors to either side, where the mean is distributed normally.
    assert np.allclose(high - low, 3.92 * values.std(axis=0) / 200**0.5, rtol=0.1)
    assert all(np.array_equal(a, b) for a, b in zip((low, high), interval(values, 0), strict=True))


class Counting:
    model = "counting"

    def __init__(self) -> None:
        self.embedded: list[str] = []

    async def embed(self, texts: Sequence[str], *, kind: Kind) -> list[bytes]:
        self.embedded += [f"{kind} {text}" for text in texts]
        return [f"{kind} {text}".encode() for text in texts]


async def test_a_text_is_embedded_once_as_what_it_is() -> None:
    embedder = Counting()
    kept = Kept(embedder)
    assert await kept.embed(["a", "a", "b"], kind="document") == [b"document a", b"document a", b"document b"]
    assert await kept.embed(["b"], kind="query") == [b"query b"]
    assert await kept.embed(["b", "c"], kind="document") == [b"document b", b"document c"]
    assert embedder.embedded == ["document a", "document b", "query b", "document c"]
