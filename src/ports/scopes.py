"""Scopes as every layer reads them: a path of 0 to 3 segments, written `global`, `org`, `org/project`,
`org/project/session`.

The text is canonical: `global` is the root and stands for no segment, so no organisation may be called
that. Validation belongs to the domain; the functions here take scopes that are already valid.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

GLOBAL = "global"
MAX_SEGMENTS = 3


class ScopeFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which scopes a read sees. The predicate acts inside the store, before any limit.

    `scope` itself is always seen; `inherit` adds its ancestors, `descendants` everything below it.
    `ceiling` wins over all of it: nothing outside the ceiling's own tree is ever seen.
    """

    scope: str = GLOBAL
    inherit: bool = True
    descendants: bool = False
    ceiling: str = GLOBAL


class VisibleScopes(msgspec.Struct, frozen=True):
    """A `ScopeFilter` worked out: the scopes named one by one, and the trees seen whole.

    A tree is its root's text; `global` is the tree of everything. `exact` never repeats what `trees` holds.
    """

    exact: tuple[str, ...]
    trees: tuple[str, ...]


def lineage(scope: str) -> tuple[str, ...]:
    """The scope and its ancestors, nearest first, `global` last."""
    if scope == GLOBAL:
        return (GLOBAL,)
    parts = scope.split("/")
    return (*("/".join(parts[:n]) for n in range(len(parts), 0, -1)), GLOBAL)


def within(scope: str, tree: str) -> bool:
    """Whether `scope` is `tree` or lies below it."""
    return tree in (GLOBAL, scope) or scope.startswith(tree + "/")


def tree_bounds(tree: str) -> tuple[str, str]:
    """Half-open text bounds [low, high) of the scopes strictly below `tree` (which is not `global`).

    They hold in code point order only ('0' follows '/'): compare bytewise (C collation).
    """
    return tree + "/", tree + "0"


def sees(seen: VisibleScopes, scope: str) -> bool:
    return scope in seen.exact or any(within(scope, tree) for tree in seen.trees)


@lru_cache(maxsize=1_024)
def visible(where: ScopeFilter) -> VisibleScopes:
    """The scopes that the filter admits. Empty when `scope` lies outside the ceiling and is no ancestor of it."""
    if where.descendants and within(where.ceiling, where.scope):
        trees: tuple[str, ...] = (where.ceiling,)
    elif where.descendants and within(where.scope, where.ceiling):
        trees = (where.scope,)
    else:
        trees = ()
    named = lineage(where.scope) if where.inherit else (where.scope,)
    exact = tuple(s for s in named if within(s, where.ceiling) and not any(within(s, t) for t in trees))
    return VisibleScopes(exact, trees)
