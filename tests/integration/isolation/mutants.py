"""Programs that let something through: each forgets the ceiling in one place."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

import msgspec

from agent_memory.core import answers, file_lock, remember, scope
from agent_memory.entrypoints import feed, search, wiring
from agent_memory.entrypoints.mcp import topics
from agent_memory.ports.changes import Change, Once, RemoveEntries
from agent_memory.ports.scopes import GLOBAL, ScopeFilter

from ...unit.saboteurs.storage_wrapper import Wrapper

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from agent_memory.core.caller import Caller
    from agent_memory.core.requests import Remember
    from agent_memory.entrypoints.changes import Burst
    from agent_memory.ports.queries import EntryFilter, Graph, GraphQuery, ScopeStats, Stats
    from agent_memory.ports.records import Entry, Relation, Session


def unbounded(where: ScopeFilter) -> ScopeFilter:
    return msgspec.structs.replace(where, ceiling=GLOBAL)


class Gets(Wrapper):
    async def get(self, ids: Sequence[str], *, ceiling: str = GLOBAL) -> list[Entry]:
        return await super().get(ids)


class Finds(Wrapper):
    def asked(self, asked: EntryFilter) -> EntryFilter:
        return msgspec.structs.replace(asked, where=unbounded(asked.where))


class Relates(Wrapper):
    async def relations(
        self, ids: Sequence[str], *, limit: int = 200, ceiling: str = GLOBAL
    ) -> list[Relation]:
        return await super().relations(ids, limit=limit)


class Walks(Wrapper):
    async def walk(self, query: GraphQuery) -> Graph:
        return await super().walk(msgspec.structs.replace(query, ceiling=GLOBAL))


class FindsWays(Wrapper):
    async def path(self, query: GraphQuery, target: str) -> list[Relation] | None:
        return await super().path(msgspec.structs.replace(query, ceiling=GLOBAL), target)


class Counts(Wrapper):
    async def stats(self, where: ScopeFilter) -> Stats:
        return await super().stats(unbounded(where))


class NamesScopes(Wrapper):
    async def scopes(self, *, prefix: str = "", limit: int = 100, ceiling: str = GLOBAL) -> list[ScopeStats]:
        return await super().scopes(prefix=prefix, limit=limit)


class NamesTags(Wrapper):
    async def tags(self, where: ScopeFilter, *, prefix: str = "", limit: int = 100) -> list[tuple[str, int]]:
        return await super().tags(unbounded(where), prefix=prefix, limit=limit)


class ListsSessions(Wrapper):
    async def sessions(
        self, where: ScopeFilter, *, open_only: bool = False, limit: int = 50
    ) -> list[Session]:
        return await super().sessions(unbounded(where), open_only=open_only, limit=limit)


class Deletes(Wrapper):
    async def rewritten(self, change: Change) -> Change:
        return (
            msgspec.structs.replace(change, ceiling=GLOBAL) if isinstance(change, RemoveEntries) else change
        )


def _stores(wrapper: type[Wrapper]) -> AbstractContextManager[Any]:
    make: Any = wiring.make_store

    def made(*given: Any) -> Wrapper:
        return wrapper(make(*given))

    return patch.object(wiring, "make_store", made)


def _any_scope(module: str) -> AbstractContextManager[Any]:
    """A use case that does not look whether the scope is the caller's."""

    def unchecked(text: str | None, ceiling: str, field: str = "scope") -> str:
        return ceiling if text is None else scope.parse_scope(text, field)

    return patch(f"agent_memory.core.{module}.scope_under", unchecked)


def _keys_of_everybody() -> AbstractContextManager[Any]:
    once: Any = vars(remember)["_once"]

    def shared(request: Remember, caller: Caller, now: Any) -> Once | None:
        return once(request, msgspec.structs.replace(caller, ceiling=GLOBAL), now)

    return patch.object(remember, "_once", shared)


def _similar_everywhere() -> AbstractContextManager[Any]:
    similar: Any = search.LateSearch.similar

    async def everywhere(self: Any, entries: Any, **others: Any) -> Any:
        return await similar(self, entries, **others | {"ceiling": GLOBAL})

    return patch.object(search.LateSearch, "similar", everywhere)


def _found_everywhere() -> AbstractContextManager[Any]:
    find = search.LateSearch.find

    async def everywhere(self: Any, text: str, where: EntryFilter, **others: Any) -> Any:
        return await find(self, text, msgspec.structs.replace(where, where=unbounded(where.where)), **others)

    return patch.object(search.LateSearch, "find", everywhere)


def _kept_for_everybody() -> AbstractContextManager[Any]:
    key: Any = vars(answers.Answers)["_key"]

    def shared(self: Any, kind: bytes, request: Any, caller: Caller, state: str = "") -> str:
        return key(self, kind, request, msgspec.structs.replace(caller, ceiling=GLOBAL), state)

    return patch.object(answers.Answers, "_key", shared)


@contextmanager
def _below_by_prefix() -> Generator[None]:
    """`alfa0` taken for something in `alfa`."""
    from agent_memory.adapters.sqlite import figures, filters, relations  # noqa: PLC0415
    from agent_memory.core.search import scopes  # noqa: PLC0415

    def bounds(tree: str) -> tuple[str, str]:
        return tree, tree + "\U0010ffff"

    def within(inner: str, tree: str) -> bool:
        return tree == GLOBAL or inner.startswith(tree)

    with (
        patch.object(figures, "tree_bounds", bounds),
        patch.object(filters, "tree_bounds", bounds),
        patch.object(relations, "tree_bounds", bounds),
        patch.object(scopes, "within", within),
    ):
        yield


def _only_everything(subscription: Any, _scope: str) -> Any:
    return subscription


def _topic(uri: str, _ceiling: str) -> Any:
    return topics.topic_of(uri, GLOBAL)


def _one_namespace(_caller: Caller) -> str:
    return "file:"


def _whoever_changed(self: topics.EntryTopic, burst: Burst) -> tuple[str, ...]:
    return (self.uri,) if self.id in burst.subjects else ()


_STORES: Final = (
    Gets, Finds, Relates, Walks, FindsWays, Counts, NamesScopes, NamesTags, ListsSessions, Deletes,
)  # fmt: skip
_USE_CASES: Final = (
    "recall", "forget", "drafting", "sessions", "votes", "context", "moving.export", "moving.converting",
)  # fmt: skip

MUTANTS: Final[dict[str, Callable[[], AbstractContextManager[Any]]]] = {
    **{f"storage-{store.__name__}": partial(_stores, store) for store in _STORES},
    **{f"any-scope-in-{module}": partial(_any_scope, module) for module in _USE_CASES},
    "keys-of-everybody": _keys_of_everybody,
    "similar-everywhere": _similar_everywhere,
    "found-everywhere": _found_everywhere,
    "kept-for-everybody": _kept_for_everybody,
    "below-by-prefix": _below_by_prefix,
    "one-list-of-locks": partial(patch.object, file_lock, "_namespace", _one_namespace),
    "watches-everything": partial(patch.object, feed, "_only", _only_everything),
    "subscribes-to-everything": partial(patch, "agent_memory.entrypoints.mcp.watching.topic_of", _topic),
    "hears-of-every-entry": partial(patch.object, topics.EntryTopic, "changed", _whoever_changed),
}
