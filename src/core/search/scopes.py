"""The scopes that occur, numbered, and what is asked of all of them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...ports.scopes import MAX_SEGMENTS, visible, within
from .columns import Columns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from ...ports.scopes import ScopeFilter

_FILTERS = 64


class Scopes:
    """There may be as many as a tenth of the entries, so nothing goes through all of them for a question."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._sessions = Columns({"is": "?"})
        self._seen: dict[ScopeFilter, Columns] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def names(self) -> list[str]:
        return list(self._numbers)

    def number(self, scope: str) -> int:
        number = self._numbers.get(scope)
        if number is None:
            number = self._numbers[scope] = self._sessions.append(
                **{"is": scope.count("/") + 1 == MAX_SEGMENTS}
            )
        return number

    def known(self, scopes: Iterable[str]) -> set[int]:
        """The numbers of those that occur."""
        return {self._numbers[scope] for scope in scopes if scope in self._numbers}

    @property
    def sessions(self) -> NDArray[Any]:
        """Which of them are sessions."""
        return self._sessions["is"]

    def seen(self, where: ScopeFilter) -> NDArray[Any]:
        """Which of them the filter sees."""
        known = self._seen.get(where)
        if known is None:
            if len(self._seen) >= _FILTERS:
                self._seen.clear()
            known = self._seen[where] = Columns({"is": "?"})
        if len(known) < len(self._numbers):
            sight = visible(where)
            for scope in list(self._numbers)[len(known) :]:
                sees = scope in sight.exact or any(within(scope, tree) for tree in sight.trees)
                known.append(**{"is": sees})
        return known["is"]
