"""Secrets that their place tells: passwords in addresses, credentials in headers and commands, keys in PEM."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .assignments import WEAK, is_of_words
from .findings import Finding, entropy, is_placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator

_FLAGS = re.ASCII | re.IGNORECASE
_PRIVATE = re.compile(
    r"-----BEGIN[ A-Z0-9]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:"
    r"(?>(?:[^-]|-(?!----))+)-----END[ A-Z0-9]{0,40}-----"
    # Cut off: as far as it can be one.
    r"|(?>[A-Za-z0-9+/=\\\s:,.\"'()]{0,40}[A-Za-z0-9+/=\\\s]{64,}))"
)
_URL = re.compile(
    r"(?<=[a-z0-9])://(?P<user>[^\s:/@\"'<>]{0,64}):(?P<secret>[^\s/\"'<>]{3,256})@(?=[\w\[])", _FLAGS
)
_HEADER = re.compile(
    r"\bauthorization[\"']?[ \t]{0,3}[:=][ \t]{0,3}[\"']?(?:(?:basic|bearer|token|apikey|digest)[ \t]{1,3})?"
    r"(?P<secret>[\w=~.+/-]{8,2048})|(?<![\w-])bearer[ \t]{1,3}(?P<bearer>[\w=~.+/-]{20,2048})",
    _FLAGS,
)
_CURL = re.compile(
    r"\bcurl\b[^\n]{0,200}?[ \t](?:-u|--user)[ =][\"']?(?P<user>[^\s:\"']{1,64}):(?P<secret>[^\s\"']{3,128})",
    re.ASCII,
)


def told_by_place(text: str) -> Iterator[Finding]:
    if "-----BEGIN" in text:
        for match in _PRIVATE.finditer(text):
            yield Finding(match.start(), match.end(), "private-key")
    if "://" in text:
        yield from _passwords(_URL, text, "url-password")
    if "curl" in text:
        yield from _passwords(_CURL, text, "curl-password")
    if "uthorization" in text or "earer" in text or "AUTHORIZATION" in text:
        for match in _HEADER.finditer(text):
            group = "secret" if match["secret"] else "bearer"
            if _is_credential(match[group]):
                yield Finding(*match.span(group), "authorization-header")


def _passwords(pattern: re.Pattern[str], text: str, kind: str) -> Iterator[Finding]:
    """Not `postgres:postgres`, which guards nothing, and not what stands for one."""
    for match in pattern.finditer(text):
        secret = match["secret"]
        weak = secret.lower() in WEAK or secret == match["user"]
        if not weak and secret[0] not in "$%<{[:" and not is_placeholder(secret):
            yield Finding(*match.span("secret"), kind)


def _is_credential(text: str) -> bool:
    """Of what stands after `Authorization:`, where some write what is to stand there."""
    digits = any(character.isdigit() for character in text)
    mixed = digits or (len(text) >= 16 and entropy(text) >= 3.5 and not text.islower())
    if text.startswith("AWS4-HMAC-"):
        return False  # how it was signed; the key is an id, and what it signed is over
    return mixed and not is_placeholder(text) and not is_of_words(text)
