"""Names that hold a secret. A name is an address: another one would mean something else, so nothing is made of it."""

from __future__ import annotations

from ...ports.errors import Rejected
from .. import limits
from .redactor import Redactor

SHORTEST = 8
"""Characters. No rule finds a secret in less."""


def refuse_secret(name: str, field: str, redactor: Redactor | None = None) -> None:
    """`Rejected`, without the secret. A name that is too long for any is refused elsewhere."""
    if not SHORTEST <= len(name) <= limits.PATH_BYTES:
        return
    if found := (redactor or Redactor()).redact(name).found:
        raise Rejected(
            f"{field}: what looks like a secret ({found[0].kind}) stands in it, and names are kept as they are given: "
            "take another one",
            field,
        )
