"""JSON is taken apart as a parser would, however it arrives."""

from __future__ import annotations

import json
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_memory.core.moving.splitting import JsonSplitter
from agent_memory.ports.errors import Rejected

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def split(text: bytes, size: int) -> list[tuple[str, object]]:
    splitter = JsonSplitter()
    found: list[tuple[str, object]] = []
    for start in range(0, len(text), size):
        found += [(name, json.loads(value)) for name, value in splitter.feed(text[start : start + size])]
    assert splitter.done
    return found


@given(
    st.dictionaries(st.text(), VALUES, max_size=5),
    st.integers(1, 50),
    st.sampled_from([None, 0, 3]),
    st.booleans(),
)
def test_members_and_elements_come_in_order(
    document: dict[str, object], size: int, indent: int | None, plain: bool
) -> None:
    text = json.dumps(document, indent=indent, ensure_ascii=not plain).encode("utf-8", "surrogatepass")
    expected: list[tuple[str, object]] = []
    for name, value in document.items():
        elements = cast("list[object]", value) if isinstance(value, list) else [value]
        expected += [(name, each) for each in elements]
    assert split(text, size) == expected


@given(st.dictionaries(st.text(), VALUES, min_size=1, max_size=3), st.integers(1, 9), st.data())
def test_a_part_is_never_taken_for_the_whole(
    document: dict[str, object], size: int, data: st.DataObject
) -> None:
    text = json.dumps(document).encode()
    cut = data.draw(st.integers(0, len(text) - 1))
    splitter = JsonSplitter()
    for start in range(0, cut, size):
        list(splitter.feed(text[start : min(start + size, cut)]))
    assert not splitter.done


@given(st.binary(max_size=200), st.integers(1, 20))
def test_no_bytes_make_it_fail_otherwise(text: bytes, size: int) -> None:
    splitter = JsonSplitter()
    try:
        for start in range(0, len(text), size):
            for _, value in splitter.feed(text[start : start + size]):
                assert value
    except Rejected:
        return


@pytest.mark.parametrize(
    "text",
    [
        b"{}x", b"{} {}", b"[1]", b"1", b'"a"', b'{"a" 1}', b'{"a":1 "b":2}', b'{"a":[1 2]}', b'{"a":[1,]}',
        b'{"a":1,}', b"{1:2}",
    ],
)  # fmt: skip
def test_what_is_no_object_is_refused(text: bytes) -> None:
    with pytest.raises(Rejected):
        list(JsonSplitter().feed(text))
