"""What a text says, word by word, so that two texts can be held against each other.

Stricter than the terms under which an entry is found: only the plural and the third person are taken off, since
`fix` and `fixed`, `employer` and `employee` are not one fact. Function words that turn a fact around (negations,
quantities, modals, directions, persons) are not counted as words but tied to the word beside them: `from staging to
production` ties `from` to `staging`.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from ..lexical import STOP_WORDS
from .porter import singular

_APOSTROPHE = "\u2019"
_EDGE = ".,;:!?()[]{}\"'`\u201c\u201d\u2018\u2019\u00ab\u00bb\u2026*|\u2014\u2013"
"""Around words: brackets, quotation marks, dashes."""
_LETTERS = re.compile(rf"[^\W\d_]+(?:['{_APOSTROPHE}-][^\W\d_]+)*")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_NOT = re.compile(rf"n['{_APOSTROPHE}]t$")
_SIGNS = frozenset("<>=+&%^~/\\")
_CLOSING = "\"'\u201d\u2019)]*"
_ENDS = (".", "!", "?", ":")
_IRREGULAR = {"ca": "can", "wo": "will", "sha": "shall", "cannot": "can not"}
_CLITICS = {"ll": "will", "d": "would", "s": "'s", "re": "", "ve": "", "m": ""}
_NO_OWNERS = frozenset(("it", "that", "there", "here", "what", "he", "she", "who", "let"))

_TELLING = (
    "not|no non nor neither never none|without|only|except|instead|rather|almost nearly|"
    "all|any|some|most|more|less|few fewer|both|each every|half|other another|same|once|again|twice|"
    "can|could|should|would|will shall|may might|must|was were|had|"
    "from|to into onto toward towards|by|of for|on upon|off|up|down|out|over|under|above|below|than|against|"
    "between|before|after|since|until till|then|so|if when|unless|because|while|where|why|how|"
    "i me my mine myself|you your yours yourself|he him his himself|she her hers herself|"
    "they them their theirs themselves|'s"
)
_TIED = {word: group.split()[0] for group in _TELLING.split("|") for word in group.split()}
_AFTER = frozenset(("'s", "up", "down", "off", "out"))
"""Tied to the word before: `slow down`, `Alice's`."""
_SAYS_NOTHING = (
    "actually also basically certainly clearly currently definitely essentially generally indeed obviously "
    "please quite really simply just very via"
)
_FILLER = frozenset(_SAYS_NOTHING.split())
_EMPTY = (STOP_WORDS - _TIED.keys()) | _FILLER
_OPENINGS = frozenset(("note", "remember", "reminder", "important", "fyi", "btw"))
"""They say nothing where they open a sentence: `Note that ...`."""
_GROUPS = (
    "use utilize utilise|remove delete erase|choose pick select|start begin commence|fix repair|need require|"
    "big large|buy purchase|help assist|show display|fast quick rapid|database db|repository repo|"
    "configuration config|documentation docs|application app|kubernetes k8s|javascript js|typescript ts|"
    "postgresql postgres|environment env|directory folder|message msg|authentication auth"
)
_ONE_WORD = {
    singular(word): singular(group.split()[0]) for group in _GROUPS.split("|") for word in group.split()
}
_COUNTED = "zero one two three four five six seven eight nine ten eleven twelve"
_NUMBERS = {word: str(number) for number, word in enumerate(_COUNTED.split())}


class Word(NamedTuple):
    """`exact`: a number, an identifier, a sign. `name`: with a capital letter, though it opens no sentence."""

    text: str
    exact: bool = False
    name: bool = False


class Wording(NamedTuple):
    """`words` in order; `ties`: function words with the word they stand by, sorted."""

    words: tuple[Word, ...]
    ties: tuple[tuple[str, str], ...]


def wording(text: str) -> Wording:
    words: list[Word] = []
    ties: list[tuple[str, str]] = []
    open_ties: list[str] = []
    opens = True
    for piece in unicodedata.normalize("NFC", text).split():
        for word in _words(piece):
            if opens and (word.text in _OPENINGS or word.text in _FILLER):
                continue
            tied = _TIED.get(word.text)
            if tied in _AFTER:
                ties.append((tied, words[-1].text if words else ""))
            elif tied is not None:
                open_ties.append(tied)
            elif word.text not in _EMPTY:
                kept = Word(_base(word.text), word.exact or word.text in _NUMBERS, word.name and not opens)
                ties += [(each, kept.text) for each in open_ties]
                open_ties.clear()
                words.append(kept)
            opens = False
        if piece.rstrip(_CLOSING).endswith(_ENDS):
            opens = True
    ties += [(each, "") for each in open_ties]
    if text.rstrip().endswith("?"):
        ties.append(("?", ""))
    return Wording(tuple(words), tuple(sorted(ties)))


def _words(piece: str) -> list[Word]:
    core = piece.lstrip(_EDGE.replace(".", "").replace("!", "")).rstrip(_EDGE)
    if _LETTERS.fullmatch(core):
        name = core[0].isupper()
        return [Word(part, name=name) for part in _parts(core.casefold())]
    if core and any(character.isalnum() for character in core):
        return [Word(_THOUSANDS.sub("", core.casefold()), exact=True)]
    if any(
        character in _SIGNS or unicodedata.category(character) in {"So", "Sm", "Sc"} for character in piece
    ):
        return [Word(piece, exact=True)]
    return []


def _parts(word: str) -> list[str]:
    parts: list[str] = []
    for part in word.split("-"):
        negated = _NOT.sub("", part)
        parts += _IRREGULAR.get(negated, negated).replace(_APOSTROPHE, "'").split("'")
        if negated != part:
            parts.append("not")
    first, *rest = [_IRREGULAR.get(part, part) for part in parts]
    split = [*first.split(), *(_CLITICS.get(part, part) for part in rest)]
    if "'s" in split and split[0] in _NO_OWNERS:
        split.remove("'s")
    return [part for part in split if part]


def _base(word: str) -> str:
    word = _NUMBERS.get(word, word)
    if word.isascii() and word.isalpha():
        word = singular(word)
    return _ONE_WORD.get(word, word)
