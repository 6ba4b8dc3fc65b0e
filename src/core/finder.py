"""What recall and forget ask of a search, whoever makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from ..ports.queries import EntryFilter
    from .search.searching import Answer, Mode


class Finder(Protocol):
    @property
    def embeds(self) -> bool:
        """Whether it searches by meaning."""
        ...

    async def find(
        self, text: str, where: EntryFilter, *, mode: Mode, limit: int, now: datetime
    ) -> Answer | None:
        """None where it cannot, or not yet."""
        ...

    async def purged(self) -> None:
        """To be said after a purge, before its caller hears of it."""
        ...
