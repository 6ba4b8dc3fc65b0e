from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import snowballstemmer  # type: ignore[import-untyped] # the reference, without types

from agent_memory.core.search.porter import stem

_ROOT = Path(__file__).parents[3]
_TEXTS = sorted(path for folder in (".", "adr", "docs") for path in (_ROOT / folder).glob("*.md"))


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("caresses", "caress"), ("ponies", "poni"), ("cats", "cat"), ("agreed", "agre"), ("plastered", "plaster"),
        ("bled", "bled"), ("motoring", "motor"), ("sing", "sing"), ("conflated", "conflat"), ("troubled", "troubl"),
        ("sized", "size"), ("hopping", "hop"), ("falling", "fall"), ("hissing", "hiss"), ("filing", "file"),
        ("happy", "happi"), ("sky", "sky"), ("relational", "relat"), ("vietnamization", "vietnam"),
        ("triplicate", "triplic"), ("hopefulness", "hope"), ("revival", "reviv"), ("adoption", "adopt"),
        ("probate", "probat"), ("controlling", "control"), ("roll", "roll"), ("is", "is"), ("by", "by"),
    ],
)  # fmt: skip
def test_the_examples_of_the_paper(word: str, expected: str) -> None:
    assert stem(word) == expected


def test_every_word_of_our_own_pages_has_the_stem_of_the_reference() -> None:
    """But where the author's later work departs from his paper."""
    reference: Any = snowballstemmer.stemmer("porter")  # pyright: ignore[reportUnknownMemberType]
    words = {word for path in _TEXTS for word in re.findall(r"[a-z]{3,}", path.read_text().lower())}
    departures = re.compile(r"log(y|i|ies)$|bly$|[aeiou]y(s|ed|ing|er|ers|able)?$")
    differing = {w for w in words if stem(w) != reference.stemWord(w) and not departures.search(w)}
    assert len(words) > 1_000
    assert differing == set()
