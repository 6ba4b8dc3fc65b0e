"""Secrets that only what stands before them tells: `password=...`, `the API key is ...`.

Labels and shapes are our own; gitleaks' generic rule and detect-secrets' keyword plugin (Apache-2.0) showed which words
count, and what is mistaken for a secret. A false alarm changes a memory, so a value must look like one.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from .findings import entropy, is_placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator


class Assigned(NamedTuple):
    """`said`: by a word (is, was, to) and not by a sign."""

    label: str
    value: str
    start: int
    said: bool


_FLAGS = re.ASCII | re.IGNORECASE
# \uff1a and \uff1d are `:` and `=` as Chinese and Japanese are written.
_ASSIGNMENT = re.compile(
    r"(?:(?<![=!<>:])(?::=|[:=\uff1a\uff1d](?!=))|(?P<said> (?:is|was|to|will be)(?= )))"
    r"(?:(?:\*{1,3}|_{1,2})(?=[ \t]))?>?[ \t]{0,3}"  # the end of what is bold
    r"(?:[brf](?=[\"'`]))?[\"'`「『“]?(?=\S{0,60}[\d!@#$%&*?^~])([^\s\"'`]{8,512})",
    re.ASCII,
)
_LABEL_BACKWARDS = re.compile(r"[\w. -]*", re.ASCII)
_TELLING = re.compile(
    r"pass|pwd|secret|key|token|cred|auth|api|access|bearer|webhook|login|pin|string", _FLAGS
)
_LABEL_ROOM = 112
_CLOSING = ".,;:!?)]}>"

_NEXT = re.compile(r";(?=[A-Za-z][A-Za-z ]{2,40}=)|[，。；、！？）】」』”’»]")  # noqa: RUF001 - as Chinese is written
"""Where a connection string or a sentence goes on."""
_HASH = re.compile(r"[0-9a-f]{32,128}", re.IGNORECASE)
_HASH_SAID = re.compile(r"[\"'`]?[ \t]{0,2}[(\[]?(?:sha-?\d|md5|hash|digest|checksum)", _FLAGS)

_OWNERS = "db|app|user|admin|root|my|sudo|login|mail|smtp|redis|pg|postgres|mysql"
_USES = (
    "api|auth|access|private|encryption|signing|account|shared|master|secret|storage|client|server|license|deploy|webhook"
    "|service|session|cookie|fernet|jwt"
)
_ISSUERS = (
    "api|auth|access|bearer|bot|refresh|id|session|deploy|personal[ _-]access|service|secret|private|webhook|github"
    "|gitlab|npm|slack|pat"
)
_SECRET_WORD = re.compile(
    rf"(?:^|[^a-z])(?:(?:{_OWNERS})?(?:passw(?:or)?[dt]|passwd|pwd|passphrase)|pass|secret"
    rf"|(?:{_USES})[ _.-]?(?:key|secret|token|pass(?:word)?)|(?:{_ISSUERS})?[ _.-]?token"
    r"|secret[ _.-]key[ _.-]base|credentials?|connection[ _.-]?string|pin[ _.-]?code)s?$"
)
_NOT_SECRET = re.compile(
    r"(?:^|[^a-z])(?:csrf|xsrf|public|page|next|previous|cursor|cancel\w*|design|stop|special|[bep]os|unk|pad|mask|sep|cls"
    r"|fencing|continuation|hash(?:ed)?|digest|fingerprint|primary|foreign|sort|partition|cache|idempotency|last|first|max"
    r"|min|num|new[ _-]line|input|output|prompt|completion|total|sync|resume)(?:[^a-z]|$)"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PASSWORD = re.compile(r"pass(?:w(?:or)?[dt]|wd|phrase)?s?$|pwd$")
_VENDOR_WORD = re.compile(r"key|token|secret|pass|pwd|auth|cred|api|access|bearer|webhook|login", _FLAGS)
_HASH_WORD = re.compile(
    r"sha-?\d|md5|hash|digest|checksum|commit|etag|uuid|guid|revision|fingerprint|public|version|release|file|path|url"
    r"|(?<![a-z])id(?![a-z])|name",
    _FLAGS,
)
_NOT_VALUE = re.compile(
    r"[^\x21-\x7e]|[(){}<>\[\]|\\]"  # code, patterns, other alphabets
    r"|^[$~]|^%\w+%$|^[&@*][a-z_]+\d?$|^#|^%[sd]"  # variables and references
    r"|^\.{1,2}/|^[a-z]:\\|://|^arn:|^[\w.+-]+@[\w-]+\.\w+$"  # paths and addresses
    r"|^\d{4}-\d\d-\d\d|^v?\d+(?:\.\d+)+"  # times and versions
    r"|^[\w-]+(?:\.[A-Za-z_]\w*)+$|^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$"  # names in programs
    r"|(?i:^[a-z.]{0,14}\d{1,3}\+?(?:-\d{1,3})?-?(?:char|zeichen|carac|znak|merk|teken|tegn|karakt|symbol))"
    r"|^n?(?:var)?char\d+$|^\d+of\d+"
    r"|^[a-z]+(?:[A-Z][a-z]+)+\d?$|^[a-z]+\d?(?:_[a-z]+\d{0,2})+$|,\S*,"
    r"|^(?:sha|hmac|aes|rsa|ed|utf|pbkdf|bcrypt|argon|oauth|base|ecdsa|hs|rs|es)-?\d{1,5}(?![A-Za-z\d])"
)
WEAK = frozenset(
    "password passwd pass pwd secret token user username test port key xxx admin".split()  # noqa: SIM905 - a line
)
_COMPOUND = re.compile(r"[A-Za-z]+(?:\d{0,2}(?:-[a-z]+\d{0,2})+|(?:-[A-Z]?[a-z]+)+\d{0,2})", re.ASCII)
_CLASS = re.compile(r"(?:[A-Z][a-z]{2,}){2,}(?:V?\d{1,2}(?:[A-Z][a-z]{2,})*)?", re.ASCII)
_SMALL, _LARGE, _DIGIT = re.compile(r"[a-z]"), re.compile(r"[A-Z]"), re.compile(r"[0-9]")
_ODD = re.compile(r"[!@#$%&*?^~]")
_CHANGE = re.compile(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", re.ASCII)
_MARK = re.compile(r"[\u0300-\u036f]")
_OTHER_LETTER = re.compile(r"[\u00c0-\u024f\u0370-\u03ff\u0400-\u052f]")
_BARE_PASS = re.compile(r"(?:^|[ .-])pass$")
_BARE_TOKEN = re.compile(r"(?:^|[^a-z])tokens?$")
_TOKEN_OF = re.compile(rf"(?:{_ISSUERS}|{_USES})[ _.-]?tokens?$")
_TOKEN = 20
"""Characters from which on what is called a token, and no more, is one that opens something."""
_PIECES = re.compile(r"[-_./:+]")


def assignments(text: str) -> Iterator[Assigned]:
    at = 0
    while (match := _ASSIGNMENT.search(text, at)) is not None:
        at = match.start(2)  # what is assigned may be an assignment: `Datadog: API_KEY=...`
        before = text[max(0, match.start() - _LABEL_ROOM) : match.start()]
        near = " ".join(before.rstrip(" \t\"'`])*_").rpartition("\n")[2].split()[-3:])
        backwards = _LABEL_BACKWARDS.match(near[::-1])
        assert backwards is not None
        if _TELLING.search(label := backwards[0][::-1]) is not None:
            value = _NEXT.split(match[2], maxsplit=1)[0].rstrip(_CLOSING)
            if _HASH.fullmatch(value) is not None and _HASH_SAID.match(text, match.start(2) + len(value)):
                continue
            if match[0][0] == ":" and label.split()[-1:] == ["PASS"] and not leaves_no_doubt(value):
                continue  # a runner of tests says so
            yield Assigned(label, value, match.start(2), match["said"] is not None)


def is_secret(label: str, value: str, *, said: bool = False) -> bool:
    """Whether a label that names a secret stands before what looks like one."""
    words = _CAMEL.sub(" ", label).lower()
    if not _SECRET_WORD.search(words) or _NOT_SECRET.search(words):
        return False
    password = _PASSWORD.search(words) is not None
    doubtful = _is_bare(label, words, value) or (said and not password and len(value) < _TOKEN)
    if doubtful and not leaves_no_doubt(value):
        return False
    return looks_secret(value, password=password, said=said)


def _is_bare(label: str, words: str, value: str) -> bool:
    """`boarding pass: ...`, `token: ...` of a language or a currency: what names other things too."""
    if _BARE_PASS.search(words):
        return " " in label.strip()
    return len(value) < _TOKEN and _BARE_TOKEN.search(words) is not None and not _TOKEN_OF.search(words)


def looks_secret(value: str, *, password: bool, said: bool) -> bool:
    value = _in_ascii(value)
    if len(value) < (8 if password else 10) or _NOT_VALUE.search(value) or is_placeholder(value):
        return False
    digits = any(character.isdigit() for character in value)
    letters = any(character.isalpha() for character in value)
    if not letters or not (digits or password) or value.lower() in WEAK:
        return False
    if said and not (any(character.islower() for character in value) and digits):
        return False
    if (
        is_of_words(value)
        or (said and (_COMPOUND.fullmatch(value) or _CLASS.fullmatch(value)))
        or "password" in value.lower()
    ):
        return False
    if value[0] == "/" and not (len(value) >= 32 and "." not in value and entropy(value) >= 4.5):
        return False  # a path
    return entropy(value) >= (2.5 if password or leaves_no_doubt(value) else 3.0)


def leaves_no_doubt(value: str) -> bool:
    """Mixed as only what was made for a password is: small and large letters, digits, and signs or frequent changes."""
    value = _in_ascii(value)
    if len(value) < 10 or not (_SMALL.search(value) and _LARGE.search(value) and _DIGIT.search(value)):
        return False
    return _ODD.search(value) is not None or len(_CHANGE.findall(value)) >= 3


def _in_ascii(value: str) -> str:
    """Letters of other alphabets are letters of a password too; which ones does not matter."""
    if value.isascii():
        return value
    parts = _MARK.sub("", unicodedata.normalize("NFD", value))
    return _OTHER_LETTER.sub(
        lambda found: chr((97 if found[0].islower() else 65) + ord(found[0]) % 26), parts
    )


def is_of_words(value: str) -> bool:
    """`app-tls-2024`, `s3-bucket`: names are made of words and numbers; a secret has them mixed."""
    pieces = _PIECES.split(value)
    return len(pieces) > 1 and all(
        piece.isalpha() or piece.isdigit() or (len(piece) <= 3 and piece.isalnum()) or not piece
        for piece in pieces
    )


def names_vendor_secret(label: str) -> bool:
    return _VENDOR_WORD.search(label) is not None and _HASH_WORD.search(label) is None
