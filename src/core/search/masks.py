"""A filter over the whole catalogue at once, so that it acts before any limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...ports.instants import to_micros
from .catalogue import KIND_CODES

if TYPE_CHECKING:
    from ...ports.queries import EntryFilter
    from .arrays import Flags
    from .catalogue import Catalogue
    from .postings import Postings


def mask(catalogue: Catalogue, tags: Postings, wanted: EntryFilter) -> Flags:
    """Which documents the filter admits. Current, active entries only: no `as_of`, no other state."""
    docs = catalogue.docs
    admitted: Flags = docs["alive"].copy()
    seen = catalogue.scopes.seen(wanted.where)
    if not seen.all():
        admitted &= seen[docs["scope"]]
    if wanted.kinds:
        admitted &= np.isin(docs["kind"], [KIND_CODES[kind] for kind in wanted.kinds])
    if wanted.since is not None:
        admitted &= docs["at"] >= to_micros(wanted.since)
    if wanted.until is not None:
        admitted &= docs["at"] < to_micros(wanted.until)
    if wanted.live_at is not None and catalogue.timed:
        instant = to_micros(wanted.live_at)
        admitted &= (docs["live_from"] <= instant) & (docs["live_until"] > instant)
    for tag in wanted.tags:
        admitted &= _tagged(tags, [tag], len(admitted))
    if wanted.tags_any:
        admitted &= _tagged(tags, wanted.tags_any, len(admitted))
    return admitted


def _tagged(tags: Postings, names: tuple[str, ...] | list[str], count: int) -> Flags:
    found = np.zeros(count, np.bool_)
    for name in names:
        found[tags.rows(name)] = True
    return found
