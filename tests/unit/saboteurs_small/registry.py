"""Which contract clause a saboteur breaks, written on the saboteur itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

_MARK = "breaks_clauses"

S = TypeVar("S", bound=type)


def breaks(*clauses: str) -> Callable[[S], S]:
    """This adapter keeps every promise but these: each of these clauses must catch it."""

    def mark(saboteur: S) -> S:
        setattr(saboteur, _MARK, clauses)
        return saboteur

    return mark


def saboteurs_in(module: ModuleType) -> list[tuple[str, type]]:
    """Each clause that a class of this module says it breaks, and the class."""
    return [
        (clause, kind)
        for kind in vars(module).values()
        if isinstance(kind, type) and kind.__module__ == module.__name__
        for clause in vars(kind).get(_MARK, ())
    ]
