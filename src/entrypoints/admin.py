"""The admin key: who may do what cannot be undone, where the server was started with one."""

from __future__ import annotations

from hmac import compare_digest


def is_admin(given: str | None, needed: str) -> bool:
    """Whether the key is the one, or none is needed. Compared in constant time."""
    return not needed or compare_digest(
        (given or "").encode("utf-8", "surrogatepass"), needed.encode("utf-8", "surrogatepass")
    )
