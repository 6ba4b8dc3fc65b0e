"""What recall, remember and forget ask of a search, whoever makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ..ports.queries import EntryFilter
    from ..ports.records import Entry
    from .search.found import Answer, Mode
    from .search.looking import Similar


class Finder(Protocol):
    @property
    def embeds(self) -> bool:
        """Whether it searches by meaning."""
        ...

    async def find(
        self, text: str, where: EntryFilter, *, mode: Mode, limit: int, now: datetime
    ) -> Answer | None:
        """None where it cannot, or not yet. `now` is in the zone in which times in the text are meant."""
        ...

    @property
    def ready(self) -> bool:
        """Whether it can say at once what is similar."""
        ...

    async def similar(
        self, entries: Sequence[Entry], *, ceiling: str, now: datetime
    ) -> list[tuple[Similar, ...] | None] | None:
        """Of each entry, what says the same already; None for one that is too long to tell, and for all where that is
        not to be known within a moment. Never an error.
        """
        ...

    async def purged(self) -> None:
        """To be said after a purge, before its caller hears of it."""
        ...
