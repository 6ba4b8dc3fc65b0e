"""The admin key, as the commands ask for it."""

from __future__ import annotations

from ...ports.errors import Rejected
from ..admin import is_admin


def check_key(given: str | None, needed: str, what: str) -> None:
    if needed and given is None:
        raise Rejected(f"admin_key: {what} needs --admin-key, as AGENT_MEMORY_ADMIN_KEY is set", "admin_key")
    if not is_admin(given, needed):
        raise Rejected("admin_key: wrong; --admin-key must be what AGENT_MEMORY_ADMIN_KEY holds", "admin_key")
