"""Completion of scopes, tags and entries: what the memory holds within the caller's ceiling, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from unicodedata import normalize

from ...core.caller import Caller
from ...core.limits import TAG_CHARS
from ...core.scope import scope_under
from ...ports.errors import PortError
from ...ports.queries import EntryFilter, EntryQuery
from ...ports.scopes import ScopeFilter
from .application import Refused
from .content import Completion
from .prompts import PROMPTS
from .refusing import counted, refused
from .resources import TEMPLATES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..wiring import App
    from .application import CallContext, CompletionTarget

MOST: Final = 100
"""Values in one answer, as the protocol has it."""
_LONGEST: Final = 256
_VARIABLES: Final = {"scope": "scope", "tag": "tag", "tags": "tag", "id": "entry"}
"""What the arguments of prompts and the variables of templates mean. Any other is free text: nothing to offer."""


class MemoryCompletions:
    def __init__(self, app: App) -> None:
        self._app = app
        self._caller = Caller(agent=app.settings.agent_id, ceiling=app.settings.scope)
        self._known = {
            "prompt": frozenset(prompt.name for prompt in PROMPTS),
            "resource": frozenset(template.uri_template for template in TEMPLATES),
        }

    async def complete(
        self, target: CompletionTarget, value: str, resolved: Mapping[str, str], context: CallContext
    ) -> Completion:
        """`Refused` for a prompt or template that is not ours, or a scope beyond the ceiling among `resolved`."""
        if target.name not in self._known[target.kind]:
            raise Refused(f"ref: no such {target.kind}: {target.name[:_LONGEST]}")
        await counted(self._app, self._caller, context)
        meaning = _VARIABLES.get(target.argument)
        if meaning is None or len(value) > _LONGEST or "\0" in value:
            return Completion((), total=0)
        try:
            if meaning == "scope":
                return await self._scopes(value)
            if meaning == "entry":
                return await self._entries(value)
            return await self._tags(value, resolved, several=target.argument == "tags")
        except PortError as error:
            raise refused(error) from None

    async def _scopes(self, value: str) -> Completion:
        found = await self._app.storage.scopes(prefix=value, limit=MOST + 1, ceiling=self._caller.ceiling)
        return _counted([each.scope for each in found])

    async def _tags(self, value: str, resolved: Mapping[str, str], *, several: bool) -> Completion:
        """Of several, the last one is what is being typed: `css, la` goes on as `css, layout`."""
        before, comma, last = value.rpartition(",") if several else ("", "", value)
        typed = normalize("NFC", last.lstrip()).lower()
        if len(typed) > TAG_CHARS:
            return Completion((), total=0)
        start = before + comma + last[: len(last) - len(last.lstrip())]
        given = {tag for each in before.split(",") if (tag := each.strip().lower())}
        most = MOST + 1 + len(given)
        found = await self._app.storage.tags(self._where(resolved), prefix=typed, limit=most)
        return _counted([start + tag for tag, _ in found if tag not in given])

    async def _entries(self, value: str) -> Completion:
        """The newest that are alive: who wants an older one knows its id."""
        where = EntryFilter(where=self._where({}), live_at=self._app.clock.now())
        page = await self._app.storage.query(EntryQuery(filter=where, limit=MOST))
        values = [entry.id for entry in page.items if entry.id.startswith(value)]
        more = page.cursor is not None
        return Completion(values, total=None if more else len(values), has_more=more)

    def _where(self, resolved: Mapping[str, str]) -> ScopeFilter:
        ceiling = self._caller.ceiling
        scope = scope_under(resolved.get("scope"), ceiling)
        return ScopeFilter(scope=scope, inherit=True, descendants=True, ceiling=ceiling)


def _counted(values: Sequence[str]) -> Completion:
    """Of at most one more than are given out."""
    if len(values) > MOST:
        return Completion(values[:MOST], has_more=True)
    return Completion(values, total=len(values))
