"""The memory as resources: entries, scopes and figures that a client can attach without a tool call."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING
from urllib.parse import unquote

import msgspec

from ...core.caller import Caller
from ...core.requests import Get, Recall
from ...core.results import label_of
from ...ports.errors import PortError, RateLimited, Rejected
from ...ports.queries import EntryFilter, EntryQuery
from ...ports.scopes import ScopeFilter
from ..health import check_health
from .application import Refused, ResourceNotFound
from .content import Page, Resource, ResourceResult, ResourceTemplate, TextResource
from .messages import INTERNAL_ERROR, SERVER_BUSY

if TYPE_CHECKING:
    from ...ports.records import Entry
    from ..wiring import App
    from .application import CallContext

_JSON = "application/json"
_ENTRY = "memory://entry/"
_SCOPE = "memory://scope/"
_STATS = "memory://stats"
_PAGE = 50
_SCOPE_ENTRIES = 50
_LONGEST_URI = 512

_TEMPLATES = (
    ResourceTemplate(
        uri_template=_ENTRY + "{id}",
        name="entry",
        title="Entry",
        description="One entry, whole, with its history and relations",
        mime_type=_JSON,
    ),
    ResourceTemplate(
        uri_template=_SCOPE + "{+scope}",
        name="scope",
        title="Scope",
        description="The newest entries of a scope such as org/project, inherited ones included",
        mime_type=_JSON,
    ),
)


class MemoryResources:
    def __init__(self, app: App) -> None:
        self._app = app
        self._caller = Caller(agent=app.settings.agent_id, ceiling=app.settings.scope)

    async def list_resources(self, cursor: str | None) -> Page:
        """The figures first, then every entry in sight, newest first, page by page."""
        ceiling = self._caller.ceiling
        where = EntryFilter(
            where=ScopeFilter(scope=ceiling, descendants=True, ceiling=ceiling), live_at=self._app.clock.now()
        )
        try:
            page = await self._app.storage.query(EntryQuery(filter=where, limit=_PAGE, cursor=cursor))
        except PortError as error:
            raise refused(error) from None
        first = () if cursor else (Resource(uri=_STATS, name="stats", title="Figures", mime_type=_JSON),)
        return Page((*first, *map(_listed, page.items)), page.cursor)

    async def list_resource_templates(self, cursor: str | None) -> Page:
        if cursor is not None:
            raise Refused("cursor: there is one page of templates")
        return Page(_TEMPLATES)

    async def read_resource(self, uri: str, context: CallContext) -> ResourceResult:
        if len(uri) > _LONGEST_URI:
            raise Refused(f"uri: {len(uri)} characters is too long (at most {_LONGEST_URI})")
        try:
            if self._app.limits is not None and uri != _STATS:
                reader = msgspec.structs.replace(self._caller, client=context.client.name[:128])
                await self._app.limits.admit(reader, None)
            content = await self._read(uri)
        except PortError as error:
            raise refused(error) from None
        if content is None:
            raise ResourceNotFound(uri)
        return ResourceResult(
            [TextResource(uri=uri, text=msgspec.json.encode(content).decode(), mime_type=_JSON)]
        )

    async def _read(self, uri: str) -> object | None:
        memory = self._app.memory
        if uri == _STATS:
            return await check_health(self._app, self._caller.ceiling)
        if uri.startswith(_ENTRY):
            request = Get(ids=[unquote(uri.removeprefix(_ENTRY))], history=True, relations=True)
            entries = (await memory.get(request, self._caller)).entries
            return entries[0] if entries else None
        if uri.startswith(_SCOPE):
            scope = unquote(uri.removeprefix(_SCOPE))
            return await memory.recall(Recall(scope=scope, limit=_SCOPE_ENTRIES), self._caller)
        return None


def _listed(entry: Entry) -> Resource:
    return Resource(uri=_ENTRY + entry.id, name=label_of(entry), description=f"{entry.kind} in {entry.scope}",
                    mime_type=_JSON)  # fmt: skip


def refused(error: PortError) -> Refused:
    """What a method that is no tool says of an error: it has no other way."""
    if isinstance(error, RateLimited):
        wait = {"retryAfterMs": ceil(error.retry_after * 1000)}
        return Refused(f"{error.code}: {error}", code=SERVER_BUSY, data=wait)
    if isinstance(error, Rejected):
        return Refused(f"{error.code}: {error}")
    return Refused(str(error), code=INTERNAL_ERROR)
