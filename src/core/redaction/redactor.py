"""Texts without the secrets in them. See docs/safety.md for what is found and what is left alone."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING

from .findings import Finding, Redacted, entropy, is_placeholder, lowered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Token = tuple[str, tuple[str, ...], int, str, float]
Labelled = tuple[str, tuple[str, ...], str, str, float]

_MIXED = re.compile(r"[\d!@#$%&*?^~_=+/]", re.ASCII)
_RUN = re.compile(r"[A-Za-z0-9+/_.~|%=:@-]{16,}", re.ASCII)
_SIGN = re.compile(
    r"[:=|\uff1a\uff1d][>=*_]{0,3}[ \t\u00a0\u202f\u3000]{0,4}[brf]?[\"'`*_«“„「『]{0,3}[ \u00a0\u202f]?[^\s\"'`]{8}"
    r"|-----BEGIN",
    re.ASCII,
)
_SAID = re.compile(r" (?:is|was|to|be)[ \t]{1,4}[\"'`「『“]?(?=\S{0,60}\d)[^\s\"'`]{8}", re.ASCII)
_NAMED = re.compile(
    r"--[a-z-]{0,34}(?:pass|secret|token)|identified[ \t]+by\b|</\w{0,20}[._-]?(?:secret|apikey)>", re.ASCII
)
"""One of these every text has that holds a secret, or one of the words below; most texts have none."""
_LONG = 16
"""Characters of the shortest run, and so of the word that it stands in."""
_SIGNS = (":", "=", "|", "-----BEGIN", "\uff1a", "\uff1d")
_NAMES = ("--", "identified", "</")
"""What a text has where `_SIGN` or `_NAMED` is found: looking for a word takes a fiftieth of what a pattern takes."""
_WORDS = (
    "passw", "passphrase", "sshpass", "mysql", "mariadb", "redis-cli", "curl", "passord", "de passe", "-passe", "parol",
    "contrase", "senha", "clave", "mdp", "kennw", "wachtw", "senord", "adgangs", "salasana", "eslo", "haslo", "lozinka",
    "jelsz", "ifre", "sandi", "t kh",
)  # fmt: skip
_WORDS_ABROAD = (
    "hasł", "парол", "лозинк", "κωδικ", "סיסמה", "كلمة", "رمز", "पास", "รหัส", "密", "口令", "スワー",
    "비밀", "\u1107\u1175\u1106\u1175\u11af", "암호", "\u110b\u1161\u11b7\u1112\u1169",
)  # fmt: skip
"""What stays the same of each word of `languages`, in lower case, however its marks are written, or left out."""
_TELLING = re.compile(r"\d|hf_|org_", re.ASCII)
_ROUNDS = 4
_KNOWN = 8
_FAR = 1 << 62
_MARK = "[redacted:"
_MARKED = re.compile(r"\[redacted:[\w-]{1,64}\]", re.ASCII)
_SIGNED = re.compile(r"[_.-]")
_INSIDE_BASE64 = re.compile(r"[A-Za-z0-9+/]{12}$", re.ASCII)


class Redactor:
    """Pure but for patterns that are compiled when a text first needs them. Safe for many threads. `known` are secrets
    wherever they stand, those too short for that left out.
    """

    def __init__(self, known: Sequence[str] = ()) -> None:
        self._known = tuple(one for one in known if len(one) >= _KNOWN)
        self._compiled: dict[str, re.Pattern[str]] = {}
        self._vendors: list[tuple[str, Labelled]] = []

    def redact(self, text: str, label: str = "") -> Redacted:
        """Each secret becomes `[redacted:kind]`; a second time changes nothing. `label` is what the text is the value
        of, where that is not in it: the name of a field.
        """
        if not label and not _may_hold(text) and not any(one in text for one in self._known):
            return Redacted(text)
        found: list[Finding] = []
        shown, moved = text, [(0, 0)]
        for _ in range(_ROUNDS):
            # A text that has one fewer may show another, which the first one hid.
            fresh = self._distinct(shown, label)
            if not fresh:
                break
            found += [Finding(_back(one.start, moved), _back(one.end, moved), one.kind) for one in fresh]
            shown, moved = _replaced(shown, fresh, moved)
        return Redacted(shown, tuple(sorted(found))) if found else Redacted(text)

    def _distinct(self, text: str, label: str) -> list[Finding]:
        """Those that overlap are one; what was redacted before is left alone."""
        marks = [(at.start(), at.end()) for at in _MARKED.finditer(text)]
        distinct: list[Finding] = []
        passed = 0
        for one in sorted(self._all(text, label), key=lambda each: (each.start, -each.end)):
            while passed < len(marks) and marks[passed][1] <= one.start:
                passed += 1
            if passed < len(marks) and marks[passed][0] < one.end:
                continue
            if distinct and one.start < distinct[-1].end:
                last = distinct[-1]
                distinct[-1] = Finding(last.start, max(last.end, one.end), last.kind)
            else:
                distinct.append(one)
        return distinct

    def _all(self, text: str, label: str) -> Iterator[Finding]:
        from . import assignments, languages, own_rules, places, rules  # noqa: PLC0415 - for a text that may hold a secret, not for every process

        for known in self._known:
            for match in re.finditer(re.escape(known), text):
                yield Finding(*match.span(), "configured-secret")
        yield from self._tokens(text, (*rules.TOKENS, *own_rules.TOKENS))
        yield from places.told_by_place(text)
        yield from own_rules.told_by_shape(text)
        yield from languages.told_in_other_words(text)
        for one in assignments.assignments(text):
            if kind := self._assigned(one.label, one.value, said=one.said):
                yield Finding(one.start, one.start + len(one.value), kind)
        if label and (kind := self._assigned(label, text.strip())):
            yield Finding(0, len(text), kind)

    def _tokens(self, text: str, rules: Sequence[Token]) -> Iterator[Finding]:
        """Tried only where a word of theirs stands: no text is slow, whatever is in it."""
        runs = "\n".join(run for run in _RUN.findall(text) if _TELLING.search(run)).lower()
        if not runs:
            return
        lower = lowered(text)
        for kind, words, lead, pattern, least in rules:
            for word in words:
                if word not in runs:
                    continue
                compiled = self._pattern(pattern)
                at = lower.find(word)
                while at >= 0:
                    match = _match_around(compiled, text, at, lead)
                    if match is not None:
                        group = next((n for n, value in enumerate(match.groups(), 1) if value), 0)
                        inside = not _SIGNED.search(match[0]) and _in_base64(text, match.start())
                        if _real(match[group], least) and not inside:
                            yield Finding(*match.span(group), kind)
                    at = lower.find(word, max(at + 1, 0 if match is None else match.end()))

    def _assigned(self, label: str, value: str, *, said: bool = False) -> str | None:
        from . import assignments, rules  # noqa: PLC0415 (loaded by now)

        if assignments.names_vendor_secret(label):
            if not self._vendors:
                self._vendors = [(word, rule) for rule in rules.LABELLED for word in rule[1]]
            both = f"{label} {value}".lower()
            for kind, _, vendor, pattern, least in [rule for word, rule in self._vendors if word in both]:
                if (
                    self._pattern(vendor, re.IGNORECASE).search(label)
                    and self._pattern(pattern).fullmatch(value)
                    and _real(value, max(least, 2.5))
                    and any(character.isdigit() for character in value)
                ):
                    return kind
        if assignments.is_secret(label, value, said=said):
            return "password" if "pass" in label.lower() or "pwd" in label.lower() else "secret"
        return None

    def _pattern(self, text: str, flags: int = 0) -> re.Pattern[str]:
        compiled = self._compiled.get(text)
        if compiled is None:
            compiled = self._compiled[text] = re.compile(text, re.ASCII | flags)
        return compiled


def _may_hold(text: str) -> bool:
    return _MIXED.search(text) is not None and (
        (_has_long_word(text) and _RUN.search(text) is not None)
        or (_has_one(_SIGNS, text) and _SIGN.search(text) is not None)
        or _SAID.search(text) is not None
        or _names_secret(lowered(text))
    )


def _names_secret(lower: str) -> bool:
    return (
        _has_one(_WORDS, lower)
        or (_has_one(_NAMES, lower) and _NAMED.search(lower) is not None)
        or (not lower.isascii() and _has_one(_WORDS_ABROAD, lower))
    )


def _has_one(words: tuple[str, ...], text: str) -> bool:
    for word in words:  # noqa: SIM110 - a generator takes longer than all there is to do
        if word in text:
            return True
    return False


def _has_long_word(text: str) -> bool:
    return max(map(len, text.split()), default=0) >= _LONG


def _match_around(pattern: re.Pattern[str], text: str, at: int, lead: int) -> re.Match[str] | None:
    for start in range(max(0, at - lead), at + 1):
        match = pattern.match(text, start)
        if match is not None:
            return match
    return None


def _real(secret: str, least: float) -> bool:
    return not is_placeholder(secret) and entropy(secret) >= least


def _in_base64(text: str, start: int) -> bool:
    """Four letters that begin a key also come up within pictures and archives."""
    return _INSIDE_BASE64.search(text, max(0, start - 12), start) is not None


def _replaced(
    text: str, found: list[Finding], moved: list[tuple[int, int]]
) -> tuple[str, list[tuple[int, int]]]:
    """The text with marks, and for each stretch between them where it begins, now and in the text as given."""
    parts: list[str] = []
    points: list[tuple[int, int]] = [(0, 0)]
    at = size = 0
    for one in found:
        mark = f"{_MARK}{one.kind}]"
        parts += [text[at : one.start], mark]
        size += one.start - at + len(mark)
        at = one.end
        points.append((size, _back(one.end, moved)))
    parts.append(text[at:])
    if len(moved) > 1:
        points = _merged(points, moved, found)
    return "".join(parts), points


def _merged(
    points: list[tuple[int, int]], before: list[tuple[int, int]], found: list[Finding]
) -> list[tuple[int, int]]:
    """Points of both rounds: those of the round before lie elsewhere now."""
    shifts = [(one.end, len(f"{_MARK}{one.kind}]") - (one.end - one.start)) for one in found]
    carried = [(now + sum(shift for end, shift in shifts if end <= now), given) for now, given in before]
    return sorted({*points, *carried})


def _back(place: int, moved: list[tuple[int, int]]) -> int:
    """Where a place in the text as shown lies in the text as given."""
    now, given = moved[bisect_right(moved, (place, _FAR)) - 1]
    return given + place - now


def scrubbed(text: str) -> str:
    """For what is told or logged, and may quote what somebody sent."""
    return Redactor().redact(text).text
