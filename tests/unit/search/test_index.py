# pyright: reportPrivateUsage=false
# How many signs differ is told by nothing but what it chooses.

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import pytest

from agent_memory.core.search.index import Index
from agent_memory.core.search.vectors import VectorTable
from agent_memory.core.search.weights import Weights
from agent_memory.ports.records import Vector
from agent_memory_contract.builders import after, changed, entry

from .asking import ask, found, index_of

if TYPE_CHECKING:
    from agent_memory.ports.records import Entry


def test_a_new_version_takes_the_place_of_the_former() -> None:
    first = entry("the okapi sleeps")
    index = index_of(first, changed(first, content="the zebra runs"))
    assert found(index, "okapi") == []
    assert found(index, "zebra") == [first.id]


def test_what_is_not_active_is_not_found() -> None:
    first = entry("the okapi sleeps")
    assert found(index_of(first, changed(first, state="archived")), "okapi") == []


def test_an_entry_is_found_by_title_tags_and_author() -> None:
    e = entry("nothing of it", title="Okapi facts", tags=("zoo",), author="Ines Duarte")
    index = index_of(e, entry("something else"))
    assert found(index, "okapi") == found(index, "zoo") == found(index, "duarte") == [e.id]


def test_a_long_entry_is_found_by_its_best_part_and_says_where_it_is() -> None:
    words = [f"word{n}" for n in range(3_000)]
    words[2_000:2_000] = ["ticket", "QX-4711", "closes", "on", "friday"]
    long, other = entry(" ".join(words)), entry("ticket of the friday")
    (best, *_) = ask(index_of(other, long), "when closes ticket QX-4711?")
    assert best.id == long.id
    assert "QX-4711" in long.content[best.start : best.end]
    assert best.end - best.start < 1_500


@pytest.mark.parametrize("seed", range(5))
def test_the_chain_of_a_scope_is_its_order_by_time_whatever_came_when(seed: int) -> None:
    chance = random.Random(seed)
    index = Index()
    alive: dict[str, Entry] = {}
    for n in range(120):
        if alive and chance.random() < 0.3:
            gone = chance.choice(list(alive))
            del alive[gone]
            index.remove(gone)
            continue
        if alive and chance.random() < 0.2:
            e = changed(alive[chance.choice(list(alive))], importance=0.1)
        else:
            scope = chance.choice(("acme", "acme/web"))
            e = entry(f"fact {n}", scope=scope, occurred_at=after(chance.randrange(10)))
        alive[e.id] = e
        index.put(e)
        if chance.random() < 0.1:
            _check_chains(index, alive)
    _check_chains(index, alive)


def _check_chains(index: Index, alive: dict[str, Entry]) -> None:
    docs = index.catalogue.docs
    for scope in ("acme", "acme/web"):
        order = sorted((e for e in alive.values() if e.scope == scope), key=lambda e: (e.at, e.id))
        numbers = [index.catalogue.numbers[e.id] for e in order]
        assert docs["after"][numbers].tolist() == [*numbers[1:], -1][: len(numbers)]
        assert docs["before"][numbers].tolist() == [-1, *numbers[:-1]][: len(numbers)]


def _table(
    count: int, dimension: int = 256
) -> tuple[VectorTable, np.ndarray[tuple[int, int], np.dtype[np.float32]]]:
    made = np.random.default_rng(1)
    centres = made.standard_normal((20, dimension))
    floats = (centres[made.integers(0, 20, count)] + made.standard_normal((count, dimension))).astype("<f4")
    floats /= np.linalg.norm(floats, axis=1, keepdims=True)
    table = VectorTable(dimension)
    for doc, row in enumerate(floats):
        table.put(doc, [Vector(values=row.tobytes())])
    return table, floats


def test_the_nearest_hold_the_ten_nearest() -> None:
    """Of 6,000, as exact search over float32 has them."""
    table, floats = _table(6_000)
    held = 0
    for row in range(0, 6_000, 300):
        query = floats[row]
        rows = table.nearest(query, np.ones(6_000, np.bool_), 10)
        assert len(rows) < 200
        held += len(set(rows.tolist()) & set(np.argsort(-(floats @ query))[:10].tolist()))
    assert held >= 0.97 * 200


def test_a_long_document_does_not_take_every_place_among_the_nearest() -> None:
    table, floats = _table(3_000)
    near = [(floats[0] + made) / np.linalg.norm(floats[0] + made) for made in floats[:200] * 0.2]
    table.put(0, [Vector(values=each.astype("<f4").tobytes()) for each in near])
    rows = table.nearest(floats[0], np.ones(3_000, np.bool_), 10)
    docs = table.chunks["doc"][rows].tolist()
    assert docs.count(0) == 1
    others = [doc for doc in np.argsort(-(floats @ floats[0]))[:30].tolist() if doc]
    assert len(set(others[:10]) & set(docs)) >= 9


def test_one_text_over_and_over_leaves_room_for_those_behind_it() -> None:
    table, floats = _table(40)
    over_and_over = Vector(values=floats[0].tobytes())
    for doc in range(40, 2_040):
        table.put(doc, [over_and_over])
    for doc, values in enumerate(floats[1:20], 2_040):
        table.put(doc, [Vector(values=values.tobytes())])
    docs = table.chunks["doc"][table.nearest(floats[0], np.ones(2_059, np.bool_), 10)]
    assert 2_039 in docs, "of equals the newest"
    rows = table.nearest((floats[0] + 2 * floats[5]) / 3, np.ones(2_059, np.bool_), 10)
    assert set(table.chunks["doc"][rows]) >= {5, 2_044}


@pytest.mark.parametrize("limit", [10, 150])
def test_as_many_as_are_asked_for_are_near(limit: int) -> None:
    table, floats = _table(3_000)
    rows = table.nearest(floats[0], np.ones(3_000, np.bool_), limit)
    assert limit <= len(set(table.chunks["doc"][rows].tolist())) <= 200


@pytest.mark.parametrize("place", [0, 100, 200])
def test_of_a_long_request_the_words_that_say_most_count_wherever_they_stand(place: int) -> None:
    talk = [entry(" ".join(f"word{n}" for n in range(first, first + 100))) for first in range(0, 100, 10)]
    told = entry("the okapi sleeps in its den")
    words = [f"word{n}" for n in range(200)]
    words[place:place] = ["okapi", "den"]
    ranked = ask(index_of(*talk, told), " ".join(words))
    assert told.id in [one.id for one in ranked]


@pytest.mark.parametrize("others", [900, 1_500])
def test_title_tag_and_importance_count_among_many_with_the_same_words(others: int) -> None:
    told = {
        "title": entry("what the third server is for", title="Deploy"),
        "tag": entry("what the fourth server is for, a deploy", tags=("deploy",)),
        "importance": entry("the deploy happens after lunch", importance=1.0),
    }
    index = index_of(*told.values(), *[entry(f"the deploy happens on server {n}") for n in range(others)])
    weights = Weights(before=0, after=0, beyond=0)
    assert set(found(index, "deploy", weights=weights)[:3]) == {each.id for each in told.values()}


def test_among_the_nearest_are_the_furthest_for_the_scale() -> None:
    table, floats = _table(6_000)
    rows = table.nearest(floats[0], np.ones(6_000, np.bool_), 10)
    cosines = floats @ floats[0]
    assert cosines[rows].min() < np.quantile(cosines, 0.02)


@pytest.mark.parametrize("dimension", [32, 64, 256, 384, 1_000])
def test_the_same_text_differs_by_no_sign_and_the_opposite_by_all(dimension: int) -> None:
    """Whatever number of words of 64 signs a vector takes."""
    floats = np.random.default_rng(2).standard_normal(dimension).astype("<f4")
    table = VectorTable(dimension)
    for doc, values in enumerate((floats, -floats)):
        table.put(doc, [Vector(values=values.tobytes())])
    assert table._unlike(floats).tolist() == [0, dimension]


def test_a_document_is_as_near_as_its_nearest_chunk_and_may_have_none() -> None:
    table, floats = _table(3)
    table.put(1, [Vector(values=floats[0].tobytes(), start=0, end=5), Vector(values=floats[2].tobytes())])
    table.put(5, [Vector(values=floats[1].tobytes())])
    for docs in ([0, 1, 2, 4, 5], [1, 5], [0, 2], [4], [], [1, 7, 9], [3, 4, 8]):
        best = table.best(floats[0], np.array(docs, np.intp), -2.0)
        near = {0: 1.0, 1: 1.0, 2: floats[2] @ floats[0], 5: floats[1] @ floats[0]}
        assert best.tolist() == pytest.approx([near.get(doc, -2.0) for doc in docs], abs=0.01)


def test_only_admitted_documents_are_near() -> None:
    table, floats = _table(5_000)
    admitted = np.zeros(5_000, np.bool_)
    admitted[::2] = True
    assert not (table.chunks["doc"][table.nearest(floats[0], admitted, 10)] % 2).any()


def test_replaced_vectors_are_gone() -> None:
    table, floats = _table(3)
    table.put(1, [Vector(values=floats[0].tobytes(), start=0, end=5), Vector(values=floats[2].tobytes())])
    rows = table.nearest(floats[0], np.ones(3, np.bool_), 10)
    assert sorted(table.chunks["doc"][rows].tolist()) == [0, 1, 1, 2]
    assert table.best(floats[1], np.array([1]), -2.0)[0] < 0.9


@pytest.mark.parametrize(
    ("content", "question"),
    [
        ("Die Auslieferung ist am Dienstag.", "Wann ist die Auslieferung?"),
        ("Выкладка идёт по вторникам.", "когда выкладка?"),
        ("我们星期二部署。", "星期二做什么?"),
        ("火曜日にデプロイする。", "デプロイはいつですか"),
        ("화요일에 배포한다.", "배포는 언제"),
        ("It calls getUserName() twice.", "where is getUserName called"),
        ("The parser reads RETRY_AFTER.", "retry after"),
        ("Settled in OPS-4711.", "what of OPS-4711?"),
    ],
)
def test_other_languages_identifiers_and_numbers_are_found(content: str, question: str) -> None:
    wanted = entry(content)
    others = (
        entry("Releases are made on Mondays."),
        entry("Der Hund schläft."),
        entry("ничего"),
        entry("你好吗"),
    )
    assert found(index_of(wanted, *others), question) == [wanted.id]
