"""The memory as resources: entries, scopes and figures that a client can attach without a tool call."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import msgspec

from ...core.caller import Caller
from ...core.requests import Get, Recall
from ...core.results import label_of
from ...ports.errors import PortError
from ...ports.queries import EntryFilter, EntryQuery
from ...ports.scopes import ScopeFilter
from ..health import check_health
from .application import Refused, ResourceNotFound
from .content import Page, Resource, ResourceResult, ResourceTemplate, TextResource
from .refusing import counted, refused
from .topics import ENTRY, LONGEST_URI, RECENT, SCOPE, STATS, TAG

if TYPE_CHECKING:
    from ...ports.records import Entry
    from ..wiring import App
    from .application import CallContext

_JSON = "application/json"
_PAGE = 50
_SCOPE_ENTRIES = 50

TEMPLATES = (
    ResourceTemplate(
        uri_template=ENTRY + "{id}",
        name="entry",
        title="Entry",
        description="One entry, whole, with its history and relations",
        mime_type=_JSON,
    ),
    ResourceTemplate(
        uri_template=SCOPE + "{+scope}",
        name="scope",
        title="Scope",
        description="The newest entries of a scope such as org/project, inherited ones included",
        mime_type=_JSON,
    ),
    ResourceTemplate(
        uri_template=TAG + "{tag}",
        name="tag",
        title="Tag",
        description="The newest entries with a tag, in every scope in sight",
        mime_type=_JSON,
    ),
)

_ALWAYS = (
    Resource(uri=STATS, name="stats", title="Figures", mime_type=_JSON),
    Resource(uri=RECENT, name="recent", title="Newest", description="The newest entries", mime_type=_JSON),
)


class MemoryResources:
    def __init__(self, app: App) -> None:
        self._app = app
        self._caller = Caller(agent=app.settings.agent_id, ceiling=app.settings.scope)

    async def list_resources(self, cursor: str | None) -> Page:
        """The figures and the newest first, then every entry in sight, newest first, page by page."""
        ceiling = self._caller.ceiling
        where = EntryFilter(
            where=ScopeFilter(scope=ceiling, descendants=True, ceiling=ceiling), live_at=self._app.clock.now()
        )
        try:
            page = await self._app.storage.query(EntryQuery(filter=where, limit=_PAGE, cursor=cursor))
        except PortError as error:
            raise refused(error) from None
        return Page((*(() if cursor else _ALWAYS), *map(_listed, page.items)), page.cursor)

    async def list_resource_templates(self, cursor: str | None) -> Page:
        if cursor is not None:
            raise Refused("cursor: there is one page of templates")
        return Page(TEMPLATES)

    async def read_resource(self, uri: str, context: CallContext) -> ResourceResult:
        if len(uri) > LONGEST_URI:
            raise Refused(f"uri: {len(uri)} characters is too long (at most {LONGEST_URI})")
        if uri != STATS:
            await counted(self._app, self._caller, context)
        try:
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
        if uri == STATS:
            return await check_health(self._app, self._caller.ceiling)
        if uri == RECENT:
            return await self._newest(self._caller.ceiling)
        if uri.startswith(TAG) and uri != TAG:
            return await self._newest(self._caller.ceiling, unquote(uri.removeprefix(TAG)))
        if uri.startswith(ENTRY):
            request = Get(ids=[unquote(uri.removeprefix(ENTRY))], history=True, relations=True)
            entries = (await memory.get(request, self._caller)).entries
            return entries[0] if entries else None
        if uri.startswith(SCOPE):
            scope = unquote(uri.removeprefix(SCOPE))
            return await memory.recall(Recall(scope=scope, limit=_SCOPE_ENTRIES), self._caller)
        return None

    async def _newest(self, scope: str, *tags: str) -> object:
        request = Recall(scope=scope, descendants=True, tags=list(tags), limit=_SCOPE_ENTRIES)
        return await self._app.memory.recall(request, self._caller)


def _listed(entry: Entry) -> Resource:
    return Resource(uri=ENTRY + entry.id, name=label_of(entry), description=f"{entry.kind} in {entry.scope}",
                    mime_type=_JSON)  # fmt: skip
