"""Forget: entries by id or by a filter that names its scope, for good when purged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..ports.changes import Removed, RemoveEntries
from ..ports.errors import Rejected
from ..ports.queries import EntryFilter, EntryQuery
from ..ports.records import STATES
from ..ports.scopes import ScopeFilter
from . import limits
from .results import ForgetResult, missing_of
from .scope import scope_under
from .tags import normal_tags
from .times import ZONES, TimeReader

if TYPE_CHECKING:
    from datetime import datetime

    from ..ports.storage import Storage
    from .caller import Caller
    from .periods.period import Zones
    from .requests import Forget, ForgetFilter

_PAGE = 200


async def forget(
    storage: Storage, request: Forget, caller: Caller, *, now: datetime, zones: Zones = ZONES
) -> ForgetResult:
    if (request.ids is None) == (request.filter is None):
        raise Rejected("give ids or filter, one of them", "ids")
    more = False
    if request.filter is not None:
        ids, more = await _matching(storage, request.filter, caller, TimeReader(now, zones))
    else:
        ids = tuple(dict.fromkeys(request.ids or ()))
    if request.dry_run:
        known = {entry.id for entry in await storage.get(ids, ceiling=caller.ceiling)}
        gone = tuple(i for i in ids if i in known)
    else:
        gone = ()
        for start in range(0, len(ids), limits.FORGET_BY_FILTER):
            batch = ids[start : start + limits.FORGET_BY_FILTER]
            applied = await storage.apply(
                RemoveEntries(batch, now, purge=request.purge, ceiling=caller.ceiling)
            )
            gone += tuple(i for o in applied.outcomes if isinstance(o, Removed) for i in o.ids)
    return ForgetResult(
        forgotten=len(gone), ids=gone, missing=missing_of(ids, set(gone)), more=more, dry_run=request.dry_run
    )


async def _matching(
    storage: Storage, wanted: ForgetFilter, caller: Caller, times: TimeReader
) -> tuple[tuple[str, ...], bool]:
    """Of a period nothing is before its beginning or after its end but what lies outside of it."""
    scope = scope_under(wanted.scope, caller.ceiling, "filter.scope")
    after = None if wanted.after is None else times.end(wanted.after, "filter.after")
    before = None if wanted.before is None else times.begin(wanted.before, "filter.before")
    if after is not None and before is not None and before <= after:
        raise Rejected("filter.before must be later than filter.after", "filter.before")
    where = EntryFilter(
        where=ScopeFilter(scope=scope, inherit=False, ceiling=caller.ceiling),
        kinds=tuple(wanted.kinds),
        states=tuple(state for state in STATES if state != "deleted"),
        tags=normal_tags(wanted.tags, "filter.tags"),
        since=after,
        until=before,
    )
    ids: list[str] = []
    cursor: str | None = None
    while len(ids) < limits.FORGET_BY_FILTER:
        page = await storage.query(EntryQuery(filter=where, order="oldest", limit=_PAGE, cursor=cursor))
        ids += [entry.id for entry in page.items]
        cursor = page.cursor
        if cursor is None:
            break
    return tuple(ids[: limits.FORGET_BY_FILTER]), cursor is not None or len(ids) > limits.FORGET_BY_FILTER
