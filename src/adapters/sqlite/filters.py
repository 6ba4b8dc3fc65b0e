"""`EntryFilter` as SQL: constant predicates over the alias `e`, and the parameters that they name.

A condition that is not asked for costs a comparison with a sentinel, not another statement text; only tags and
`as_of`, whose predicates cost more than that, have statements of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ...ports.instants import to_micros
from ...ports.scopes import GLOBAL, ScopeFilter, tree_bounds, visible
from .rows import DELETED, KIND_CODES, STATE_CODES, checked, encode, mask

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from ...ports.queries import EntryFilter

Parameters = dict[str, Any]
TagMode = Literal["none", "indexed", "rare", "stored"]
"""How tags are matched: not at all, by the tag table, by the few entries that it names, or by the row's own list
(former versions, tombstones).
"""

_RARE = 1000
_USES = "SELECT count(*) FROM (SELECT 1 FROM entry_tags WHERE tag = ? LIMIT ?)"

FIRST, LAST = -(1 << 63), (1 << 63) - 1
_ANY = -1
_HIGHEST = "\U0010ffff"

IN_SCOPE = "(e.scope IN (:s0, :s1, :s2, :s3, :root) OR (e.scope >= :low AND e.scope < :high))"
FIELDS = (
    "((:states >> e.state) & 1) AND ((:kinds >> e.kind) & 1) AND e.at >= :since AND e.at < :until "
    "AND (:live IS NULL OR ((e.valid_from IS NULL OR e.valid_from <= :live) "
    "AND (e.valid_until IS NULL OR e.valid_until > :live) AND (e.expires_at IS NULL OR e.expires_at > :live)))"
)
_INDEXED = (
    "NOT EXISTS (SELECT 1 FROM json_each(:tags) w WHERE NOT EXISTS "
    "(SELECT 1 FROM entry_tags t WHERE t.tag = w.value AND t.entry = e.row)) "
    "AND (:tags_any = '[]' OR EXISTS (SELECT 1 FROM json_each(:tags_any) w "
    "JOIN entry_tags t ON t.tag = w.value AND t.entry = e.row))"
)
TAGS: dict[TagMode, str] = {
    "none": "1",
    "indexed": _INDEXED,
    "rare": (
        "e.row IN (SELECT entry FROM entry_tags WHERE tag IN (SELECT value FROM json_each(:few))) AND "  # noqa: S608 - constants
        + _INDEXED
    ),
    "stored": (
        "NOT EXISTS (SELECT 1 FROM json_each(:tags) w WHERE w.value NOT IN (SELECT value FROM json_each(e.tags))) "
        "AND (:tags_any = '[]' OR EXISTS (SELECT 1 FROM json_each(:tags_any) w "
        "WHERE w.value IN (SELECT value FROM json_each(e.tags))))"
    ),
}
CURRENT_AS_OF = "e.updated_at <= :as_of"
FORMER_AS_OF = "e.updated_at <= :as_of AND e.until > :as_of"


def scope_parameters(where: ScopeFilter) -> Parameters:
    """For IN_SCOPE. A filter that sees nothing matches nothing: no scope is the empty text."""
    seen = visible(where)
    exact = (*seen.exact, "", "", "", "")
    root, low, high = "", "", ""
    if seen.trees:
        (root,) = seen.trees
        low, high = ("", _HIGHEST) if root == GLOBAL else tree_bounds(root)
    return {
        "s0": exact[0], "s1": exact[1], "s2": exact[2], "s3": exact[3], "root": root, "low": low, "high": high,
    }  # fmt: skip


def filter_parameters(wanted: EntryFilter) -> Parameters:
    """For IN_SCOPE, FIELDS, TAGS and the two of as_of."""
    parameters = scope_parameters(wanted.where)
    parameters["states"] = states_mask(wanted)
    parameters["kinds"] = mask(KIND_CODES[kind] for kind in wanted.kinds) if wanted.kinds else _ANY
    parameters["since"] = _micros(wanted.since, FIRST)
    parameters["until"] = _micros(wanted.until, LAST)
    parameters["live"] = _micros(wanted.live_at, None)
    parameters["as_of"] = _micros(wanted.as_of, None)
    parameters["tags"] = _tags(wanted.tags)
    parameters["tags_any"] = _tags(wanted.tags_any)
    return parameters


def states_mask(wanted: EntryFilter) -> int:
    if wanted.states:
        return mask(STATE_CODES[state] for state in wanted.states)
    return mask(code for code in STATE_CODES.values() if code != DELETED)


def tag_mode(connection: sqlite3.Connection, wanted: EntryFilter, parameters: Parameters) -> TagMode:
    """Sets `few`, the tags that every match has one of, where they name few entries."""
    if not wanted.tags and not wanted.tags_any:
        return "none"
    if wanted.as_of is not None or "deleted" in wanted.states:
        return "stored"
    uses = {tag: _uses(connection, tag) for tag in (*wanted.tags, *wanted.tags_any)}
    if wanted.tags:
        rarest = min(wanted.tags, key=uses.__getitem__)
        if uses[rarest] <= _RARE:
            parameters["few"] = _tags((rarest,))
            return "rare"
    elif sum(uses.values()) <= _RARE:
        parameters["few"] = _tags(wanted.tags_any)
        return "rare"
    return "indexed"


def _uses(connection: sqlite3.Connection, tag: str) -> int:
    """As far as it matters."""
    count: int = connection.execute(_USES, (tag, _RARE + 1)).fetchone()[0]
    return count


def _tags(tags: tuple[str, ...]) -> str:
    if not tags:
        return "[]"
    for tag in tags:
        checked(tag, "tags")
    return encode(tags).decode()


def _micros(instant: datetime | None, otherwise: int | None) -> int | None:
    return otherwise if instant is None else to_micros(instant)
