"""What stands around an entry lends it what it lacks, and nothing twice."""

from __future__ import annotations

import struct
from math import sqrt
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_memory.core.search.lexical import idf
from agent_memory.ports.records import Vector
from agent_memory_contract.builders import after, entry

from .asking import PLAIN, ask, index_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_memory.core.search.rank import Ranked
    from agent_memory.core.search.weights import Weights
    from agent_memory.ports.records import Entry

AROUND = msgspec.structs.replace(PLAIN, before=0.5, after=0.4, beyond=0.2, answer=0.25)
ANIMALS = ("okapi", "zebra", "giraffe", "kudu")


def talk(*texts: str) -> list[Entry]:
    return [entry(text, scope="a/b/s1", occurred_at=after(n)) for n, text in enumerate(texts)]


def answered(
    turns: Sequence[Entry], text: str, *, weights: Weights = AROUND, cosines: Sequence[float] = ()
) -> list[Ranked | None]:
    """In the order of the turns. `cosines`: of each with the question."""
    index = index_of(*turns)
    for turn, cosine in zip(turns, cosines, strict=bool(cosines)):
        values = struct.pack("<2f", cosine, sqrt(1 - cosine**2))
        index.put_vectors(turn.id, "m", [Vector(values=values)])
    vectors = {"m": struct.pack("<2f", 1, 0)} if cosines else None
    ranked = {one.id: one for one in ask(index, text, weights=weights, vectors=vectors, limit=50)}
    return [ranked.get(turn.id) for turn in turns]


def part(found: Ranked | None, name: str) -> float:
    return 0.0 if found is None else found.parts.get(name, 0.0)


def test_a_word_that_both_hold_is_lent_by_neither() -> None:
    for one in answered(talk("an okapi", "the okapi again", "okapi?"), "okapi"):
        assert one is not None
        assert one.parts == {"own": pytest.approx(1)}


def test_a_neighbour_lends_the_words_that_an_entry_lacks() -> None:
    one, two = answered(talk("okapi and zebra", "a zebra"), "okapi zebra")
    assert one is not None
    assert two is not None
    assert part(two, "before") == pytest.approx(0.5 * (one.lexical - two.lexical))
    assert part(one, "after") == 0


def test_of_two_turns_the_one_that_adds_a_word_is_ahead_of_the_one_that_repeats() -> None:
    adds = talk("the okapi sleeps", "in Berlin")
    repeats = [entry("okapi", scope="a/b/s2", occurred_at=after(n)) for n in range(2)]
    index = index_of(*adds, *repeats, *(entry(f"Berlin {n}", scope="a/b/s3") for n in range(3)))
    best = ask(index, "okapi in Berlin", weights=AROUND)
    assert {best[0].id, best[1].id} == {turn.id for turn in adds}


def test_a_long_neighbour_lends_no_more_than_its_best_part_holds() -> None:
    filler = " ".join(f"word{n}" for n in range(300))
    one, two = answered(talk(f"okapi {filler} zebra {filler} giraffe", "Rex"), "okapi zebra giraffe")
    assert one is not None
    assert one.end
    assert one.lexical == pytest.approx(1)
    assert part(two, "before") == pytest.approx(0.5)


def test_a_nearer_neighbour_lends_by_how_much_it_is_nearer() -> None:
    turns = talk("one", "two", "three")
    first, second, third = answered(turns, "okapi", cosines=[0.9, 0.45, 0.0])
    assert first is not None
    assert second is not None
    assert part(first, "after") == 0
    assert part(second, "before") == pytest.approx(0.5 * (first.dense - second.dense), abs=1e-5)
    assert part(second, "after") == 0
    assert part(third, "before") == pytest.approx(0.5 * second.dense, abs=1e-5)
    assert part(third, "beyond") == pytest.approx(0.2 * (first.dense - second.dense), abs=1e-5)


@pytest.mark.parametrize("off", ["lexical", "dense"])
def test_a_side_that_is_switched_off_lends_nothing(off: str) -> None:
    turns = talk("okapi", "Rex")
    weights = msgspec.structs.replace(AROUND, **{off: 0.0})
    _, second = answered(turns, "okapi", cosines=[0.8, 0.6], weights=weights)
    expected = 0.5 if off == "dense" else 0.5 * 0.25
    assert part(second, "before") == pytest.approx(expected, abs=1e-2)


def worth(words: set[str], shares: dict[str, float]) -> float:
    return sum(shares[word] for word in words)


@settings(deadline=None)
@given(
    st.lists(st.sets(st.sampled_from(ANIMALS)), min_size=1, max_size=9), st.lists(st.booleans(), min_size=9)
)
def test_each_word_comes_once_and_from_the_nearest(turns: list[set[str]], asks: list[bool]) -> None:
    holding = {word: sum(word in turn for turn in turns) for word in ANIMALS}
    shares = {word: idf(count, len(turns)) for word, count in holding.items() if count}
    best = max(worth(turn, shares) for turn in turns)
    shares = {word: share / best for word, share in shares.items()}
    texts = [
        " ".join(sorted(turn)) + f" x{n}" + "?" * asked
        for n, (turn, asked) in enumerate(zip(turns, asks, strict=False))
    ]
    found = answered(talk(*texts), " ".join(ANIMALS))
    around = [set[str](), set[str](), *turns, set[str](), set[str]()]
    for n, own in enumerate(turns):
        further, before, _, later, furthest = around[n : n + 5]
        given_before = worth(before - own, shares)
        expected = {
            "own": worth(own, shares),
            "before": 0.5 * given_before,
            "after": 0.4 * worth(later - own - before, shares),
            "beyond": 0.2 * worth((further | furthest) - own - before - later, shares),
            "answer": 0.25 * (n > 0 and asks[n - 1]) * given_before,
        }
        one = found[n]
        if one is None:
            assert expected["own"] == expected["before"] == expected["after"] == 0
        else:
            assert {name: part(one, name) for name in expected} == pytest.approx(expected, abs=1e-5)
