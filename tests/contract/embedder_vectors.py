"""Embedder, first part: what the vectors are. And what both parts need of an adapter."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Protocol

import pytest

from agent_memory.ports.embedder import Embedder

from .harness import Harness
from .suite import Suite, level, needs

if TYPE_CHECKING:
    from collections.abc import Sequence

NEAR = 1e-3
"""How much of a vector may depend on the company that its text is embedded in."""

TEXTS = (
    "The cat sleeps on the sofa all afternoon.",
    "Deployment to production failed because the database migration timed out.",
    "She bought fresh bread and cheese at the market.",
    "Use snake_case for the names of Python functions.",
    "Our flight to Lisbon leaves on Tuesday morning.",
)
RELATED = (
    "A kitten is napping on the couch.",
    "The release broke: the schema change of the database took too long.",
    "He went to the shop for a loaf and some cheddar.",
    "How should functions in Python be named?",
    "When does the plane to Portugal depart?",
)
SCRIPTS = (
    "Die Katze schläft auf dem Sofa.", "Кошка спит на диване.", "猫はソファで寝ている。", "猫在沙发上睡觉。",
    "القطة نائمة على الأريكة", "고양이가 소파에서 잔다", "é", "e\u0301", "👩‍👩‍👧", "\x00\x1b[0m",
    "a\u202eb", "ﬁ", "\ufffd", "x" * 3_000, "日本語" * 700, "[SEP] [CLS] [UNK] <s> <|endoftext|>",
)  # fmt: skip
BLANK = ("", " ", "\n\t  \r\n", "\u3000")


class EmbedderHarness(Harness[Embedder], Protocol):
    """`sever` makes the backend fail every call. The backend needs a model that knows some English."""


def floats(vector: bytes) -> tuple[float, ...]:
    return struct.unpack(f"<{len(vector) // 4}f", vector)


def likeness(one: bytes, other: bytes) -> float:
    return sum(a * b for a, b in zip(floats(one), floats(other), strict=True))


def assert_same(found: Sequence[bytes], expected: Sequence[bytes]) -> None:
    for one, other in zip(found, expected, strict=True):
        assert all(abs(a - b) <= NEAR for a, b in zip(floats(one), floats(other), strict=True))


def numbered(count: int) -> list[str]:
    """Texts that differ in meaning from their neighbours, whatever `count` is."""
    return [f"{TEXTS[number % len(TEXTS)]} {RELATED[number // 5 % len(RELATED)]}" for number in range(count)]


class EmbedderVectors(Suite):
    @pytest.fixture
    def harness(self) -> EmbedderHarness:
        raise NotImplementedError("override `harness` with one of your adapter")

    async def test_emb_01_the_model_is_known_from_the_start_and_stays(self, harness: EmbedderHarness) -> None:
        """Its name and dimension do not wait for the first vector."""
        async with harness.open() as embedder:
            model, dimension = embedder.model, embedder.dimension
            assert dimension > 0
            vectors = await embedder.embed(TEXTS, kind="document")
            assert {len(vector) for vector in vectors} == {4 * dimension}
            assert (embedder.model, embedder.dimension) == (model, dimension)

    async def test_emb_02_the_models_name_can_be_stored_with_a_vector(self, harness: EmbedderHarness) -> None:
        """At most 200 printable characters without a space."""
        async with harness.open() as embedder:
            assert 0 < len(embedder.model) <= 200
            assert embedder.model.isprintable()
            assert not set(embedder.model) & set(" \u00a0\u3000")

    async def test_emb_03_vectors_have_unit_length(self, harness: EmbedderHarness) -> None:
        """So that their product is their likeness."""
        async with harness.open() as embedder:
            for vector in await embedder.embed([*TEXTS, *SCRIPTS], kind="document"):
                assert math.isclose(math.hypot(*floats(vector)), 1.0, abs_tol=1e-4)

    async def test_emb_04_one_vector_for_each_text_in_their_order(self, harness: EmbedderHarness) -> None:
        """However many texts: also more than a batch holds, and one more."""
        async with harness.open() as embedder:
            count = 2 * embedder.capabilities.batch + 1
            texts = numbered(count)
            alone = {text: (await embedder.embed([text], kind="document"))[0] for text in set(texts)}
            assert len(set(alone.values())) == len(alone)
            assert_same(await embedder.embed(texts, kind="document"), [alone[text] for text in texts])

    async def test_emb_05_a_text_always_has_the_same_vector(self, harness: EmbedderHarness) -> None:
        """In whatever company."""
        async with harness.open() as embedder:
            first = await embedder.embed(TEXTS, kind="document")
            assert_same(await embedder.embed(TEXTS, kind="document"), first)
            among = await embedder.embed(["", *TEXTS, "x" * 2_000], kind="document")
            assert_same(among[1:-1], first)

    async def test_emb_06_no_texts_no_vectors(self, harness: EmbedderHarness) -> None:
        """An empty list is no error."""
        async with harness.open() as embedder:
            assert await embedder.embed([], kind="document") == []
            assert await embedder.split([]) == []

    async def test_emb_07_blank_texts_share_one_vector(self, harness: EmbedderHarness) -> None:
        """Of unit length like all others, among texts that mean something too."""
        async with harness.open() as embedder:
            vectors = await embedder.embed([*BLANK, TEXTS[0], ""], kind="document")
            blank = [*vectors[: len(BLANK)], vectors[-1]]
            assert len(set(blank)) == 1
            assert math.isclose(math.hypot(*floats(blank[0])), 1.0, abs_tol=1e-4)
            assert_same([vectors[-2]], await embedder.embed(TEXTS[:1], kind="document"))

    async def test_emb_08_any_script_is_accepted(self, harness: EmbedderHarness) -> None:
        """Each as a document and as a query, and beside its neighbours as alone."""
        async with harness.open() as embedder:
            together = await embedder.embed(SCRIPTS, kind="document")
            alone = [(await embedder.embed([text], kind="document"))[0] for text in SCRIPTS]
            assert_same(together, alone)
            assert len(await embedder.embed(SCRIPTS, kind="query")) == len(SCRIPTS)

    async def test_emb_09_a_very_long_text_is_accepted(self, harness: EmbedderHarness) -> None:
        """64 KiB, the longest that an entry may be; its beginning decides, or all of it."""
        long = (f"{TEXTS[0]} " * 2_000)[: 64 * 1024]
        async with harness.open() as embedder:
            found, about, other = await embedder.embed([long, TEXTS[0], TEXTS[1]], kind="document")
            assert likeness(found, about) > likeness(found, other)

    async def test_emb_10_near_in_meaning_is_near(self, harness: EmbedderHarness) -> None:
        """Each question is nearer to the text that answers it than the texts are on the average."""
        async with harness.open() as embedder:
            documents = await embedder.embed(TEXTS, kind="document")
            queries = await embedder.embed(RELATED, kind="query")
            for place, query in enumerate(queries):
                near = [likeness(query, document) for document in documents]
                assert near[place] > sum(near) / len(near)

    async def test_emb_11_equal_models_give_comparable_vectors(self, harness: EmbedderHarness) -> None:
        """After a restart, and in another process beside this one."""
        async with harness.open() as embedder:
            model = embedder.model
            first = await embedder.embed(TEXTS, kind="document")
        async with harness.open() as again:
            assert again.model == model
            assert_same(await again.embed(TEXTS, kind="document"), first)

    @level("concurrent")
    async def test_emb_12_two_clients_have_equal_vectors(self, harness: EmbedderHarness) -> None:
        """Of one backend, at once."""
        needs(harness, "second_client")
        async with harness.open() as one, harness.second_client() as two:
            assert one.model == two.model
            assert_same(
                await one.embed(TEXTS, kind="query"),
                await two.embed(TEXTS, kind="query"),
            )
