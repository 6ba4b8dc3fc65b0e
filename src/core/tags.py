"""Tags: short labels, matched whole."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from ..ports.errors import Rejected
from . import limits

if TYPE_CHECKING:
    from collections.abc import Iterable


def normal_tag(text: str, field: str = "tags") -> str:
    """NFC, lower case, white space inside to '-'. Written and asked for alike, so that case never hides a tag."""
    tag = "-".join((text if text.isascii() else unicodedata.normalize("NFC", text)).lower().split())
    if not tag or len(tag) > limits.TAG_CHARS:
        raise Rejected(f"{field}: {text[:80]!r} is not a tag (1 to {limits.TAG_CHARS} characters)", field)
    if not tag.isprintable():
        raise Rejected(f"{field}: {text[:80]!r} holds a character that cannot be printed", field)
    return tag


def normal_tags(texts: Iterable[str], field: str = "tags") -> tuple[str, ...]:
    """In the order given, each once."""
    tags = tuple(dict.fromkeys(normal_tag(text, field) for text in texts))
    if len(tags) > limits.TAGS:
        raise Rejected(f"{field}: {len(tags)} tags; at most {limits.TAGS}", field)
    return tags
