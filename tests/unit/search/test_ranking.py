"""What each ingredient does, and that it can be switched off."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from math import sqrt
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent_memory.core.search.weights import Weights
from agent_memory.ports.queries import EntryFilter
from agent_memory.ports.records import Vector
from agent_memory.ports.scopes import ScopeFilter
from agent_memory_contract.builders import T0, after, changed, entry

from .asking import EVERYWHERE, PLAIN, ask, found, index_of

if TYPE_CHECKING:
    from agent_memory.core.search.index import Index
    from agent_memory.ports.records import Entry


def only(**weights: Any) -> Weights:
    return msgspec.structs.replace(PLAIN, **weights)


def unit(*values: float) -> bytes:
    length = sqrt(sum(value * value for value in values))
    return struct.pack(f"<{len(values)}f", *(value / length for value in values))


def embedded(*entries: tuple[Entry, bytes]) -> Index:
    index = index_of(*(e for e, _ in entries))
    for e, values in entries:
        index.put_vectors(e.id, "m", [Vector(values=values)])
    return index


def test_rare_words_count_more_than_common_ones() -> None:
    common = [entry(f"the deploy number {n}") for n in range(5)]
    rare = entry("the giraffe sleeps")
    assert found(index_of(*common, rare), "deploy giraffe")[0] == rare.id


def test_what_holds_no_word_of_the_question_is_not_found() -> None:
    assert found(index_of(entry("the okapi sleeps")), "giraffe", weights=Weights()) == []


def test_equals_come_newest_first() -> None:
    one, two = entry("an okapi", at=after(1)), entry("an okapi!", at=after(2))
    assert found(index_of(two, one), "okapi") == [two.id, one.id]


def test_neighbours_lend_in_a_session_what_they_do_not_lend_to_others() -> None:
    asked = entry("what is the name of the okapi?", scope="a/b/s1", occurred_at=after(1))
    answer = entry("Rex", scope="a/b/s1", occurred_at=after(1.5))
    elsewhere = entry("Max", scope="a/b/s2", occurred_at=after(1.5))
    index = index_of(asked, answer, elsewhere)
    assert found(index, "okapi") == [asked.id]
    assert found(index, "okapi", weights=only(before=0.2)) == [asked.id, answer.id]


def test_the_one_after_a_question_gets_more_than_its_share() -> None:
    asked = entry("which okapi?", scope="a/b/s1", occurred_at=after(1))
    answer = entry("Rex", scope="a/b/s1", occurred_at=after(2))
    index = index_of(asked, answer)
    (_, plain) = ask(index, "okapi", weights=only(before=0.2))
    (_, more) = ask(index, "okapi", weights=only(before=0.2, answer=0.2))
    assert more.score == pytest.approx(2 * plain.score)


@pytest.mark.parametrize("apart", [0.0, 0.5])
def test_outside_of_sessions_neighbours_lend_a_share_to_what_has_a_word_of_its_own(apart: float) -> None:
    one, two = entry("okapi and zebra", scope="a/b"), entry("zebra", scope="a/b")
    weights = only(before=0.2, apart=apart)
    (_, lent) = ask(index_of(one, two), "okapi zebra", weights=weights)
    assert lent.parts.get("before", 0.0) == pytest.approx(0.2 * apart * (1 - lent.lexical))
    assert found(index_of(one, entry("nothing", scope="a/b")), "okapi", weights=weights) == [one.id]


def test_outside_of_sessions_what_was_written_hours_apart_lends_nothing() -> None:
    one = entry("okapi and zebra", scope="a/b", occurred_at=T0)
    two = entry("zebra", scope="a/b", occurred_at=T0 + timedelta(hours=2))
    (_, second) = ask(index_of(one, two), "okapi zebra", weights=only(before=0.2))
    assert "before" not in second.parts


def test_what_a_filter_hides_lends_nothing() -> None:
    hidden = entry("okapi okapi", scope="a/b/s1", kind="knowledge", occurred_at=after(1))
    shown = entry("it is called Rex", scope="a/b/s1", occurred_at=after(2))
    where = EntryFilter(where=ScopeFilter(descendants=True), kinds=("note",), live_at=T0)
    assert found(index_of(hidden, shown), "okapi", weights=Weights(), where=where) == []


def test_a_session_that_holds_more_of_the_question_lifts_its_entries() -> None:
    here = [entry("we saw an okapi", scope="a/b/s1"), entry("it was in Berlin", scope="a/b/s1")]
    there = [entry("in Berlin again", scope="a/b/s2")]
    index = index_of(*here, *there)
    assert found(index, "okapi in Berlin")[-1] == here[1].id
    assert found(index, "okapi in Berlin", weights=only(session=0.5))[:2] == [here[0].id, here[1].id]


def test_an_entry_outside_of_sessions_is_not_behind_for_that() -> None:
    alone = entry("the okapi lives in Berlin", scope="a")
    talk = [entry("an okapi", scope="a/b/s1"), entry("in Berlin", scope="a/b/s1")]
    assert found(index_of(alone, *talk), "okapi Berlin", weights=only(session=0.6))[0] == alone.id


def test_the_author_who_is_named_comes_first() -> None:
    other, mine = entry("I like the okapi", author="Melanie"), entry("okapi, hm", author="Caroline Smith")
    index = index_of(mine, other)
    assert found(index, "What does Caroline think of the okapi?", weights=only(author=0.5))[0] == mine.id


def test_nobody_comes_first_where_all_are_by_the_one_who_is_named() -> None:
    ours = [entry(f"okapi {n}", author="Caroline") for n in range(2)]
    assert all("author" not in one.parts for one in ask(index_of(*ours), "Caroline okapi", weights=Weights()))


def test_the_name_that_opens_a_text_is_a_speaker() -> None:
    other, mine = entry("Melanie: I like the okapi"), entry("Caroline: okapi, hm")
    index = index_of(mine, other)
    assert found(index, "What of the okapi does Caroline like?", weights=only(speaker=2))[0] == mine.id
    (_, second) = ask(index, "what of the okapi does caroline like?", weights=only(speaker=2))
    assert "author" not in second.parts


def test_a_role_is_no_name() -> None:
    index = index_of(entry("okapi", author="user"), entry("an okapi", author="Ada"))
    assert all(
        "author" not in one.parts for one in ask(index, "what okapi does the user like", weights=Weights())
    )


def test_what_happened_at_the_time_that_is_named_comes_first() -> None:
    then = entry("an okapi", occurred_at=T0 - timedelta(days=400))
    now = entry("an okapi!", occurred_at=T0)
    day = f"{then.at:%d %B %Y}"
    assert found(index_of(then, now), f"okapi on {day}", weights=only(date=1))[0] == then.id


def of_days(*days: int) -> list[Entry]:
    """Of March 2025."""
    at = datetime(2025, 3, 1, 12, tzinfo=UTC)
    return [entry("okapi " + "x" * day, occurred_at=at + timedelta(days=day - 1)) for day in days]


@pytest.mark.parametrize("day", ["2025-03-04", "04.03.2025", "March 4, 2025", "3/4/2025"])
def test_the_day_that_is_named_comes_before_those_around_it(day: str) -> None:
    days = of_days(3, 4, 5, 6)
    hits = ask(index_of(*days), f"okapi on {day}", weights=Weights(), now=datetime(2026, 1, 1, tzinfo=UTC))
    assert hits[0].id == days[1].id
    parts = {hit.id: hit.parts.get("date", 0.0) for hit in hits}
    assert parts[days[1].id] == pytest.approx(Weights().date)
    assert max(part for id_, part in parts.items() if id_ != days[1].id) < 0.4 * Weights().date


def test_where_nothing_stands_at_the_day_what_was_told_soon_after_comes_first() -> None:
    days = of_days(1, 5, 20)
    hidden = changed(of_days(4)[0], scope="z/z")
    where = EntryFilter(where=ScopeFilter(scope=days[0].scope), live_at=T0)
    hits = ask(index_of(*days, hidden), "okapi on 2025-03-04", weights=only(date=1.2), where=where)
    assert hits[0].id == days[1].id
    assert hits[0].parts["date"] == pytest.approx(1.2)


def test_what_only_asks_comes_later() -> None:
    asks, says = entry("is the okapi asleep?"), entry("the okapi is asleep.")
    assert found(index_of(says, asks), "okapi asleep", weights=only(question=0.1)) == [says.id, asks.id]


def test_a_title_of_the_questions_words_lifts() -> None:
    titled, other = entry("see there", title="Okapi rules"), entry("okapi rules are here")
    assert found(index_of(titled, other), "okapi rules", weights=only(title=0.3)) == [titled.id, other.id]


def test_a_tag_that_is_named_lifts() -> None:
    tagged, other = entry("the okapi", tags=("night-shift",)), entry("okapi night shift")
    assert found(index_of(tagged, other), "okapi night shift", weights=only(tag=0.3))[0] == tagged.id


def test_recency_and_importance_decide_between_equals_only() -> None:
    old = entry("an okapi", occurred_at=T0 - timedelta(days=900), importance=0.5)
    new = entry("an okapi!", occurred_at=T0, importance=0.5)
    grave = entry("an okapi?!.", occurred_at=T0 - timedelta(days=900), importance=1.0)
    better = entry("an okapi in Berlin", occurred_at=T0 - timedelta(days=900), importance=0.0)
    index = index_of(new, old, grave, better)
    assert found(index, "okapi", weights=only(recency=0.03))[0] == new.id
    assert found(index, "okapi", weights=only(importance=0.1))[0] == grave.id
    assert found(index, "okapi Berlin", weights=only(recency=0.03, importance=0.1))[0] == better.id


def test_meaning_finds_what_words_do_not() -> None:
    near, far = entry("a striped giraffe"), entry("the deploy")
    index = embedded((near, unit(1, 0.1)), (far, unit(-1, 0.2)))
    (first, *rest) = ask(index, "okapi", vectors={"m": unit(1, 0)})
    assert (first.id, first.match, rest) == (near.id, "dense", [])


def test_the_nearest_of_what_is_far_is_not_found() -> None:
    index = embedded((entry("a giraffe"), unit(0.1, 1)), (entry("the deploy"), unit(-1, 0.2)))
    assert ask(index, "okapi", vectors={"m": unit(1, 0)}) == []


def test_what_is_far_from_everything_lends_nothing_to_its_neighbours() -> None:
    """In a session an entry is found by its neighbours alone, which must not come from noise."""
    turns = [entry(f"turn {n}", scope="a/b/s1", occurred_at=after(n)) for n in range(3)]
    index = embedded(*((turn, unit(0.14, 1 + n)) for n, turn in enumerate(turns)))
    vectors, weights = {"m": unit(1, 0)}, only(before=0.2, after=0.2)
    assert ask(index, "xqzvb", vectors=vectors, weights=weights) == []
    near = entry("turn 3", scope="a/b/s1", occurred_at=after(3))
    index.put(near)
    index.put_vectors(near.id, "m", [Vector(values=unit(1, 1))])
    assert {turns[2].id, near.id} <= {one.id for one in ask(index, "xqzvb", vectors=vectors, weights=weights)}


@pytest.mark.parametrize(("cosine", "sure"), [(0.2, 0.4), (0.4, 0.8), (0.5, 1.0), (0.9, 1.0)])
def test_where_only_meaning_speaks_the_answer_is_as_sure_as_its_nearest_is_near(
    cosine: float, sure: float
) -> None:
    index = embedded((entry("a giraffe"), unit(cosine, sqrt(1 - cosine**2))), (entry("a zebra"), unit(-1, 1)))
    (found,) = ask(index, "xqzvb", vectors={"m": unit(1, 0)})
    assert found.sure == pytest.approx(sure, abs=0.01)
    # A word that is found needs no such excuse, unless it was not asked for.
    (found, *_) = ask(index, "giraffe", vectors={"m": unit(1, 0)})
    assert found.sure == 1
    (found, *_) = ask(index, "giraffe", vectors={"m": unit(1, 0)}, weights=only(lexical=0.0))
    assert found.sure == pytest.approx(sure, abs=0.01)


def test_both_together_are_said_to_be_both() -> None:
    near = entry("an okapi")
    index = embedded((near, unit(1, 0.1)), (entry("the deploy"), unit(-1, 0.2)))
    assert ask(index, "okapi", vectors={"m": unit(1, 0)})[0].match == "both"


def test_an_entry_without_a_vector_is_found_by_its_words() -> None:
    bare, near = entry("an okapi"), entry("a giraffe")
    index = embedded((near, unit(1, 0)))
    index.put(bare)
    assert {one.id for one in ask(index, "okapi", vectors={"m": unit(1, 0)})} == {bare.id, near.id}


def test_while_one_model_takes_over_both_are_searched() -> None:
    old, new = entry("a giraffe"), entry("a zebra")
    index = index_of(old, new, entry("the deploy"))
    index.put_vectors(old.id, "old", [Vector(values=unit(1, 0)), Vector(values=unit(-1, 0))])
    index.put_vectors(new.id, "new", [Vector(values=unit(1, 0, 0)), Vector(values=unit(-1, 0, 0))])
    answer = ask(index, "okapi", vectors={"new": unit(1, 0, 0), "old": unit(1, 0)})
    assert {one.id for one in answer} == {old.id, new.id}


def test_a_vector_of_another_length_than_its_model_is_not_compared() -> None:
    index = embedded((entry("a giraffe"), unit(1, 0)))
    assert ask(index, "okapi", vectors={"m": unit(1, 0, 0)}) == []


def test_by_rank_instead_of_by_score() -> None:
    words, meaning = entry("okapi okapi"), entry("a giraffe")
    index = embedded((words, unit(0, 1)), (meaning, unit(1, 0)), (entry("okapi deploy"), unit(-1, 0)))
    answer = ask(index, "okapi", weights=only(dense=0.9, fusion="rrf"), vectors={"m": unit(1, 0)})
    assert answer[0].parts["own"] == pytest.approx(1 + 0.9 * 61 / 62)
    assert {one.id for one in answer[:2]} >= {words.id}


def test_the_parts_add_up_to_the_score() -> None:
    entries = [
        entry(f"okapi {n} and the giraffe?", title="Okapi" if n % 2 else "", scope=f"a/b/s{n % 3}", author="Ada",
              occurred_at=after(n), tags=("okapi",), importance=n / 10)
        for n in range(10)
    ]  # fmt: skip
    answer = ask(index_of(*entries), "okapi giraffe of Ada in January 2025", weights=Weights())
    assert len(answer) == 10
    for one in answer:
        assert sum(one.parts.values()) == pytest.approx(one.score, abs=1e-5)


def test_the_same_among_thousands_as_among_few() -> None:
    """Where not everything is scored, what leads is the same."""
    crowd = [entry(f"kudu number {n}", scope=f"a/b/s{n // 20}") for n in range(2_500)]
    talk = [
        entry("Where did the okapi go?", scope="a/b/s7", at=after(1), author="Ada"),
        entry("To Berlin, by the night train.", scope="a/b/s7", at=after(2), author="Ines"),
    ]
    few, many = index_of(*talk, *crowd[:50]), index_of(*talk, *crowd)
    question = "where did the okapi go"
    expected = [one.id for one in ask(few, question, weights=Weights(), limit=2)]
    assert (
        [one.id for one in ask(many, question, weights=Weights(), limit=2)]
        == expected
        == [e.id for e in talk]
    )


def test_of_many_equals_the_limit_is_kept() -> None:
    crowd = [entry(f"kudu number {n}") for n in range(3_000)]
    answer = ask(index_of(*crowd), "kudu", limit=7)
    assert [one.id for one in answer] == [e.id for e in reversed(crowd[-7:])]


def test_nothing_of_a_sibling_scope_is_seen() -> None:
    mine, other = entry("okapi", scope="a/b"), entry("okapi too", scope="a/c")
    where = EntryFilter(where=ScopeFilter(scope="a/b"), live_at=T0)
    assert found(index_of(mine, other), "okapi", weights=Weights(), where=where) == [mine.id]


def test_a_revived_scope_is_seen_by_a_filter_asked_before_it_was_there() -> None:
    index = index_of(entry("okapi", scope="a/c"))
    where = EntryFilter(where=ScopeFilter(scope="a/b"), live_at=T0)
    assert found(index, "okapi", where=where) == []
    mine = entry("okapi", scope="a/b")
    index.put(mine)
    assert found(index, "okapi", where=where) == [mine.id]


def test_an_expired_entry_is_not_found() -> None:
    e = entry("okapi", expires_at=after(10))
    late = msgspec.structs.replace(EVERYWHERE, live_at=after(10))
    index = index_of(e)
    assert found(index, "okapi") == [e.id]
    assert found(index, "okapi", where=late) == []
    index.put(changed(e, expires_at=None))
    assert found(index, "okapi", where=late) == [e.id]
