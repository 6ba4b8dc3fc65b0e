"""Secrets that only what stands before them tells: `password=...`, `the API key is ...`.

Labels and shapes are our own; gitleaks' generic rule and detect-secrets' keyword plugin (Apache-2.0) showed which words
count, and what is mistaken for a secret. A false alarm changes a memory, so a value must look like one.
"""

from __future__ import annotations

import re
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
    r"(?:(?<![=!<>:])(?::=|[:=\uff1a\uff1d](?!=))|(?P<said> (?:is|was|to)(?= )))>?[ \t]{0,3}(?:[brf](?=[\"'`]))?"
    r"[\"'`「『“]?(?=\S{0,60}[\d!@#$%&*?^~])([^\s\"'`]{8,512})",
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
    r"|^[a-z]+(?:[A-Z][a-z]+)+\d?$|^[a-z]+\d?(?:_[a-z]+\d{0,2})+$|,\S*,"
    r"|^(?:sha|hmac|aes|rsa|ed|utf|pbkdf|bcrypt|argon|oauth|base|ecdsa|hs|rs|es)-?\d{1,5}(?![A-Za-z\d])"
)
WEAK = frozenset(
    "password passwd pass pwd secret token user username test port key xxx admin".split()  # noqa: SIM905 - a line
)
_COMPOUND = re.compile(r"[A-Za-z]+\d{0,2}(?:-[a-z]+\d{0,2})+", re.ASCII)
_CLASS = re.compile(r"(?:[A-Z][a-z]{2,}){2,}(?:V?\d{1,2}(?:[A-Z][a-z]{2,})*)?", re.ASCII)
_PIECES = re.compile(r"[-_./:+]")


def assignments(text: str) -> Iterator[Assigned]:
    at = 0
    while (match := _ASSIGNMENT.search(text, at)) is not None:
        at = match.start(2)  # what is assigned may be an assignment: `Datadog: API_KEY=...`
        before = text[max(0, match.start() - _LABEL_ROOM) : match.start()]
        near = " ".join(before.rstrip(" \t\"'`])").rpartition("\n")[2].split()[-3:])
        backwards = _LABEL_BACKWARDS.match(near[::-1])
        assert backwards is not None
        if _TELLING.search(label := backwards[0][::-1]) is not None:
            value = _NEXT.split(match[2], maxsplit=1)[0].rstrip(_CLOSING)
            if _HASH.fullmatch(value) is not None and _HASH_SAID.match(text, match.start(2) + len(value)):
                continue
            yield Assigned(label, value, match.start(2), match["said"] is not None)


def is_secret(label: str, value: str, *, said: bool = False) -> bool:
    """Whether a label that names a secret stands before what looks like one."""
    words = _CAMEL.sub(" ", label).lower()
    if not _SECRET_WORD.search(words) or _NOT_SECRET.search(words):
        return False
    password = _PASSWORD.search(words) is not None
    return looks_secret(value, password=password, said=said)


def looks_secret(value: str, *, password: bool, said: bool) -> bool:
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
    return entropy(value) >= (2.5 if password or of_all_kinds(value) else 3.0)


def of_all_kinds(value: str) -> bool:
    """Small and large letters, digits and signs, as who makes passwords is told to mix them."""
    return (
        not value.isalnum()
        and any(character.islower() for character in value)
        and any(character.isupper() for character in value)
        and any(character in "!@#$%&*?^~" for character in value)
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
