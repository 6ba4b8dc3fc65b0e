from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from agent_memory.adapters.embedders.spans import spans

LIMIT = 12
OVERLAP = 3


def count(text: str) -> int:
    """A token for every two characters of a word."""
    return sum((len(word) + 1) // 2 for word in re.findall(r"\S+", text))


def test_words_are_never_torn_and_parts_overlap() -> None:
    text = "one two three four five six seven eight nine ten"
    parts = [text[span.start : span.end] for span in spans(text, count, LIMIT, OVERLAP)]
    assert parts == ["one two three four five", "five six seven eight nine", "nine ten"]


def test_a_title_before_a_blank_page_is_found() -> None:
    text = f"{'a ' * 5}{' ' * 500}end"
    assert spans(text, count, LIMIT, OVERLAP)[0].start == 0


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab \n日", max_size=400), st.integers(4, 30), st.integers(0, 3))
def test_all_of_a_text_is_in_spans_that_go_forward(text: str, limit: int, overlap: int) -> None:
    cut = spans(text, count, limit, overlap)
    assert bool(cut) == bool(text.strip())
    covered = "".join(
        text[max(former, span.start) : span.end]
        for former, span in zip([0, *(span.end for span in cut)], cut, strict=False)
    )
    assert "".join(covered.split()) == "".join(text.split())
    assert all(former.start < later.start and former.end < later.end for former, later in pairwise(cut))
    if len(cut) > 1:
        assert all(count(text[span.start : span.end]) <= max(limit, 24) for span in cut)
