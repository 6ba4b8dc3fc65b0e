"""`EntryFilter` as SQL: constant predicates over the alias `e`, and the parameters that they name.

A condition that is not asked for is a NULL, which the server folds away when it plans with the values at hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...ports.instants import to_micros
from ...ports.scopes import GLOBAL, ScopeFilter, tree_bounds, visible
from .rows import DELETED, KIND_CODES, STATE_CODES, checked

if TYPE_CHECKING:
    from datetime import datetime

    from ...ports.queries import EntryFilter
    from .statement import Parameters

FIRST, LAST = -(1 << 63), (1 << 63) - 1
HIGHEST = "\U0010ffff"

EXACT = "e.scope = ANY (:exact::text[])"
TREE = "(e.scope >= :low::text AND e.scope < :high::text)"
SCOPE = f"({EXACT} OR {TREE})"
FIELDS = (
    "e.state = ANY (:states::smallint[]) AND (:kinds::smallint[] IS NULL OR e.kind = ANY (:kinds::smallint[])) "
    "AND (:since::bigint IS NULL OR e.at >= :since::bigint) AND (:until::bigint IS NULL OR e.at < :until::bigint) "
    "AND (:tags::text[] IS NULL OR e.tags @> :tags::text[]) "
    "AND (:tags_any::text[] IS NULL OR e.tags && :tags_any::text[]) "
    "AND (:live::bigint IS NULL OR ((e.valid_from IS NULL OR e.valid_from <= :live::bigint) "
    "AND (e.valid_until IS NULL OR e.valid_until > :live::bigint) "
    "AND (e.expires_at IS NULL OR e.expires_at > :live::bigint)))"
)
CURRENT_AS_OF = "e.updated_at <= :as_of::bigint"
FORMER_AS_OF = "e.updated_at <= :as_of::bigint AND e.until > :as_of::bigint"
VERSIONS = {
    False: (("entries", "true"),),
    True: (("entries", CURRENT_AS_OF), ("revisions", FORMER_AS_OF)),
}
"""The tables to look into, each with its own condition, by whether `as_of` is asked."""


def scope_parameters(where: ScopeFilter) -> Parameters:
    """For SCOPE. A filter that sees nothing matches nothing."""
    seen = visible(where)
    exact = list(seen.exact)
    low, high = "", ""
    for tree in seen.trees:
        if tree == GLOBAL:
            low, high = "", HIGHEST
        else:
            exact.append(tree)
            low, high = tree_bounds(tree)
    return {"exact": exact, "low": low, "high": high}


def ceiling_parameters(ceiling: str) -> Parameters:
    """For SCOPE: all that a ceiling lets through."""
    return scope_parameters(ScopeFilter(scope=ceiling, inherit=False, descendants=True))


def filter_parameters(wanted: EntryFilter) -> Parameters:
    """For SCOPE, FIELDS and the two of as_of."""
    parameters = scope_parameters(wanted.where)
    if wanted.states:
        parameters["states"] = [STATE_CODES[state] for state in wanted.states]
    else:
        parameters["states"] = [code for code in STATE_CODES.values() if code != DELETED]
    parameters["kinds"] = [KIND_CODES[kind] for kind in wanted.kinds] or None
    parameters["since"] = _micros(wanted.since)
    parameters["until"] = _micros(wanted.until)
    parameters["live"] = _micros(wanted.live_at)
    parameters["as_of"] = _micros(wanted.as_of)
    parameters["tags"] = [checked(tag, "tags") for tag in wanted.tags] or None
    parameters["tags_any"] = [checked(tag, "tags") for tag in wanted.tags_any] or None
    return parameters


def _micros(instant: datetime | None) -> int | None:
    return None if instant is None else to_micros(instant)
