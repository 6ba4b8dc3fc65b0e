from hypothesis import given
from hypothesis import strategies as st

from agent_memory.core.lexical import STOP_WORDS, query_terms


def test_function_words_are_left_out() -> None:
    assert query_terms("When did Caroline go to the LGBTQ support group?") == (
        "caroline", "go", "lgbtq", "support", "group",
    )  # fmt: skip


def test_a_question_of_function_words_alone_keeps_them() -> None:
    assert query_terms("who are you?") == ("who", "are", "you")


def test_identifiers_keep_their_parts_together_or_in_order() -> None:
    assert query_terms("error in parse_scope, ticket PROJ-1234") == (
        "error", "parse_scope", "ticket", "proj", "1234",
    )  # fmt: skip


def test_other_scripts_are_words_too() -> None:
    assert query_terms("когда релиз 東京") == ("когда", "релиз", "東京")


def test_a_decomposed_question_has_the_words_of_the_composed_one() -> None:
    assert query_terms("Mu\u0308nchen") == query_terms("M\u00fcnchen") == ("m\u00fcnchen",)


def test_of_a_long_request_begin_and_end_count() -> None:
    words = [f"word{n}" for n in range(200)]
    assert query_terms(" ".join(words)) == (*words[:32], *words[-32:])
    assert query_terms(" ".join(words[:64])) == tuple(words[:64])


@given(st.text(max_size=300))
def test_terms_are_unique_bounded_words(question: str) -> None:
    terms = query_terms(question)
    assert len(terms) == len(set(terms)) <= 64
    assert all(term and not term.isspace() for term in terms)
    telling = [t for t in terms if t not in STOP_WORDS]
    assert telling == [] or list(terms) == telling
