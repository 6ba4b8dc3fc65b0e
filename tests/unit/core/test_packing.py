from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from agent_memory.core.recall import pack
from agent_memory.core.search.found import Scored
from agent_memory.core.text import tokens
from agent_memory.ports.queries import Hit
from agent_memory.ports.records import Entry

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def hit(content: str, score: float = 1.0) -> Hit:
    entry = Entry(id="i", scope="global", content=content, content_hash=b"", created_at=NOW, updated_at=NOW)
    return Hit(entry, score)


def test_scores_are_relative_to_the_best() -> None:
    result = pack([hit("a", 8.0), hit("b", 2.0)], 4000)
    assert [found.score for found in result.results] == [1.0, 0.25]
    assert not result.truncated


def test_what_does_not_fit_is_cut_and_said_to_be() -> None:
    result = pack([hit("word " * 100), hit("word " * 1000), hit("never reached")], 500)
    assert [found.content_truncated for found in result.results] == [False, True]
    assert result.truncated


def test_a_long_hit_leaves_the_others_their_place() -> None:
    short = [hit(f"short entry {number}") for number in range(15)]
    result = pack([hit("word " * 12_000), *short], 4000)
    assert [found.content for found in result.results[1:]] == [each.entry.content for each in short]
    assert result.truncated
    assert [found.content_truncated for found in result.results] == [True] + [False] * 15
    assert tokens(result.results[0].content) > 2000, "what the others leave is used"


def test_hits_of_middling_length_stay_whole_beside_long_ones() -> None:
    result = pack([hit("long " * 12_000), hit("word " * 400), hit("more " * 12_000)], 4000)
    assert [found.content_truncated for found in result.results] == [True, False, True]
    first, _, third = (tokens(found.content) for found in result.results)
    assert abs(first - third) <= 4


def test_a_hit_that_is_whole_is_not_said_to_be_cut() -> None:
    for budget in (50, 60, 64, 100):
        result = pack([hit("one short line")], budget)
        assert [found.content for found in result.results] == ["one short line"]
        assert not result.truncated


def test_the_best_hit_always_shows_something() -> None:
    result = pack([hit("word " * 1000)], 50)
    assert result.results[0].content_truncated
    assert result.results[0].content.startswith("word word")


@given(st.lists(st.text(min_size=1, max_size=400), max_size=12), st.integers(100, 2000))
def test_the_budget_holds_and_nothing_goes_missing_unsaid(contents: list[str], budget: int) -> None:
    result = pack([hit(content) for content in contents], budget)
    assert sum(tokens(found.content) for found in result.results) <= budget
    assert result.truncated == (
        len(result.results) < len(contents) or any(found.content_truncated for found in result.results)
    )
    for found, content in zip(result.results, contents, strict=False):
        assert found.content_truncated == (found.content != content)


def scored(*scores: float, sure: float = 1.0) -> list[Scored]:
    return [Scored(entry=hit("a").entry, score=score, sure=sure) for score in scores]


def test_the_best_is_worth_as_much_as_the_search_is_sure_of_it() -> None:
    assert [found.score for found in pack(scored(2.0, 1.0, sure=0.5), 1000).results] == [0.5, 0.25]


def test_what_was_found_never_shows_a_score_of_nothing() -> None:
    """A common word in a small table has a figure of nearly nothing."""
    assert [found.score for found in pack(scored(5.0, 1e-6, -0.1), 1000).results] == [1.0, 0.0001, 0.0001]
    assert [found.score for found in pack(scored(-0.05, -0.1), 1000).results] == [1.0, 0.0001]
    assert [found.score for found in pack([hit("a", 5.0), hit("b", 1e-6)], 1000).results] == [1.0, 0.0001]


def test_a_list_of_the_newest_has_no_scores() -> None:
    assert [found.score for found in pack([hit("a", 0.0), hit("b", 0.0)], 1000).results] == [0.0, 0.0]
