from __future__ import annotations

from itertools import pairwise
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_memory.entrypoints.mcp.lines import KEPT, Lines, Overlong
from agent_memory.entrypoints.mcp.nesting import deeper_than


def test_a_line_is_cut_wherever_its_newline_comes() -> None:
    lines = Lines(100)
    assert lines.feed(b"a") == []
    assert lines.feed(b"b\nc\n\nd") == [b"ab", b"c", b""]
    assert lines.feed(b"\n") == [b"d"]


def test_a_line_of_the_whole_limit_passes_and_one_byte_more_does_not() -> None:
    lines = Lines(4)
    assert lines.feed(b"1234\n12345\n12") == [b"1234", Overlong(b"12345", b"12345")]
    assert lines.feed(b"34\n") == [b"1234"]


def test_of_an_overlong_line_the_ends_are_told_when_it_is_over() -> None:
    lines = Lines(4)
    assert lines.feed(b"12345") == []
    assert lines.feed(b"6" * 10_000) == []
    assert lines.feed(b"7\nok\n") == [
        Overlong(b"12345" + b"6" * (KEPT - 5), b"6" * (KEPT - 1) + b"7"),
        b"ok",
    ]
    assert lines.feed(b"x" * 10_000) == []
    assert lines.end() == [Overlong(b"x" * KEPT, b"x" * KEPT)]
    assert lines.end() == []


def test_an_overlong_line_is_not_kept_in_memory() -> None:
    lines = Lines(4)
    for _ in range(100):
        lines.feed(b"x" * 1000)
    assert len(lines._partial) <= KEPT  # pyright: ignore[reportPrivateUsage] - memory is what this is about


def test_the_last_line_needs_no_newline() -> None:
    lines = Lines(100)
    lines.feed(b"a\nb")
    assert lines.end() == [b"b"]
    assert lines.end() == []


@given(
    data=st.binary(max_size=60).map(lambda raw: raw.replace(b"\x00", b"\n")), cut=st.lists(st.integers(0, 60))
)
def test_any_cut_gives_the_same_lines(data: bytes, cut: list[int]) -> None:
    whole = Lines(8)
    expected = whole.feed(data) + whole.end()
    pieces = Lines(8)
    found: list[bytes | Overlong] = []
    places = [0, *sorted(cut), len(data)]
    for start, end in pairwise(places):
        found += pieces.feed(data[start:end])
    assert found + pieces.end() == expected


def nested(depth: int) -> bytes:
    return b'{"a":[' * (depth // 2) + b"[" * (depth % 2) + b"1" + b"]" * (depth % 2) + b"]}" * (depth // 2)


@pytest.mark.parametrize("depth", [1, 2, 9, 10])
def test_a_text_within_the_limit_is_not_too_deep(depth: int) -> None:
    assert not deeper_than(10, nested(depth))


@pytest.mark.parametrize("depth", [11, 12, 500])
def test_a_text_beyond_the_limit_is_too_deep(depth: int) -> None:
    assert deeper_than(10, nested(depth))


def test_width_is_not_depth() -> None:
    assert not deeper_than(3, b'{"a":[' + b",".join([b'{"b":1}'] * 1000) + b"]}")


def test_brackets_in_strings_do_not_count() -> None:
    assert not deeper_than(2, msgspec.json.encode({"a": "[{" * 100, "b": ['"[[[[[\\"', "\\", "[" * 50]}))


def depth_of(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, cast("dict[str, Any]", value).values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, cast("list[Any]", value)), default=0)
    return 0


LEAVES = st.none() | st.integers(0, 9) | st.text(alphabet='[]{}"\\ a\n', max_size=8)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text('[]"{\\', max_size=3), inner, max_size=4)
    ),
    max_leaves=30,
)


@given(value=VALUES, limit=st.integers(0, 6))
def test_it_agrees_with_counting(value: object, limit: int) -> None:
    assert deeper_than(limit, msgspec.json.encode(value)) == (depth_of(value) > limit)
