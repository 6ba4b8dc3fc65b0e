"""Which spellings are one file to a lock."""

from __future__ import annotations

import posixpath
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_memory.core.file_paths import normal_path
from agent_memory.ports.errors import Rejected

PARTS = st.lists(st.sampled_from(["a", "b", "..", ".", "", "...", "A b", "é", "e\u0301", " "]), max_size=8)


@pytest.mark.parametrize(
    ("given_path", "name"),
    [
        ("a/b", "a/b"),
        ("a/./b", "a/b"),
        ("a//b", "a/b"),
        ("a/b/", "a/b"),
        ("./a/b", "a/b"),
        ("a/x/../b", "a/b"),
        ("/a//b/.", "/a/b"),
        ("//a/b", "/a/b"),
        ("/../a", "/a"),
        ("a/...", "a/..."),
        (" a ", " a "),
        ("src\\a", "src\\a"),
        ("cafe\u0301", "caf\u00e9"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
    ],
)
def test_spellings_of_one_path_are_one_name(given_path: str, name: str) -> None:
    assert normal_path(given_path) == name


@pytest.mark.parametrize(("one", "other"), [("a", "/a"), ("A", "a"), ("a b", "ab"), ("a/b", "a:b")])
def test_different_files_have_different_names(one: str, other: str) -> None:
    assert normal_path(one) != normal_path(other)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("", "names no file"),
        ("/", "names no file"),
        ("a/..", "names no file"),
        (".", "names no file"),
        ("../a", "climbs out"),
        ("a/../../b", "climbs out"),
        ("a\0b", "NUL at character 1"),
        ("   ", "names no file"),
        ("/ /", "names no file"),
        ("a\u200b.py", "U+200B at character 1"),
        ("a\u202eyp.b", "U+202E at character 1"),
        ("\ufeffa", "U+FEFF at character 0"),
        ("a\nb", "line break or control character at character 1"),
        ("a\u2028b", "line break or control character"),
        ("a" * 4097, "4097 bytes is too long (at most 4096)"),
        ("é" * 2049, "4098 bytes is too long"),
        ("\ud800", "lone surrogate"),
    ],
)
def test_what_names_no_file_is_refused_with_the_reason(path: str, problem: str) -> None:
    with pytest.raises(Rejected) as refusal:
        normal_path(path)
    assert refusal.value.field == "file_path"
    assert str(refusal.value).startswith("file_path")
    assert problem in str(refusal.value)


@given(PARTS, st.booleans())
def test_the_result_is_that_of_the_kernel_and_stands(parts: list[str], absolute: bool) -> None:
    path = ("/" if absolute else "") + "/".join(parts)
    expected = posixpath.normpath(unicodedata.normalize("NFC", path)) if path else "."
    if expected.startswith("//"):  # which POSIX leaves to the system
        expected = expected[1:]
    try:
        name = normal_path(path)
    except Rejected:
        assert (
            expected.replace("/", "").strip() in {"", ".", ".."}
            or expected.startswith("../")
            or _climbs(path)
        )
    else:
        assert name == expected
        assert normal_path(name) == name


def _climbs(path: str) -> bool:
    """At some point, though it may come back: from where nobody knows."""
    depth = 0
    for part in path.split("/"):
        depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
        if depth < 0:
            return not path.startswith("/")
    return False
