"""What a question says: the terms to look up, the names in it, the times in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..lexical import STOP_WORDS
from .words import fold, raw_words, word_terms

if TYPE_CHECKING:
    from collections.abc import Callable


class Question(NamedTuple):
    """`terms`: each once, in order. `names`: folded words that may be part of a name, with whether they stand
    capitalised where no sentence begins.
    """

    text: str
    terms: tuple[str, ...]
    names: dict[str, bool]


def read_question(text: str) -> Question:
    terms: dict[str, None] = {}
    names: dict[str, bool] = {}
    for place, word in enumerate(raw_words(text)):
        terms.update(dict.fromkeys(word_terms(word)))
        folded = fold(word)
        if folded not in STOP_WORDS:
            names[folded] = names.get(folded, False) or (place > 0 and word[:1].isupper())
    return Question(text, tuple(terms), names)


def asks_for_a_name(text: str) -> bool:
    """Whether it is numbers and identifiers only (`OPS-4711`, `fact7`). Such a question asks for that very thing; what
    a model finds near its spelling is noise.
    """
    parts = [part for part in text.split() if any(map(word_terms, raw_words(part)))]
    return bool(parts) and all(any(map(str.isdigit, part)) for part in parts)


def of_stop_words(text: str) -> bool:
    """Whether it has words, and no index holds any of them."""
    words = raw_words(text)
    return bool(words) and not any(map(word_terms, words))


def names_something(text: str) -> bool:
    """Whether a word is capitalised that is no stop word."""
    return any(word[:1].isupper() and word_terms(word) for word in raw_words(text))


def without_common_names(text: str, common: Callable[[str], bool]) -> str:
    """The question as it is embedded. A name that stands in many entries says nothing of what is asked about them.

    (Recall@10 of MiniLM alone on LoCoMo rises by several points.) The text itself where nothing would be left.
    """
    dropped = {word for word in raw_words(text) if word[:1].isupper() and any(map(common, word_terms(word)))}
    if not dropped:
        return text
    kept = " ".join(part for part in text.split() if not dropped.intersection(raw_words(part)))
    return kept or text
