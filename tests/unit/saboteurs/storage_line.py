"""A storage whose units of work go over a line that can be cut. Only `apply` does: reads are where no doubt is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_memory.ports.errors import Unavailable

from .storage_wrapper import Wrapper

if TYPE_CHECKING:
    from agent_memory.ports.changes import Applied, Change, Once
    from agent_memory.ports.storage import Storage


class Line:
    is_cut = False


class RemoteStorage(Wrapper):
    def __init__(self, inner: Storage, line: Line) -> None:
        super().__init__(inner)
        self._line = line

    async def apply(self, *changes: Change, once: Once | None = None) -> Applied:
        """Cut meanwhile, it is done and its answer lost."""
        if self._line.is_cut:
            raise Unavailable("the line is cut")
        applied = await super().apply(*changes, once=once)
        if self._line.is_cut:
            raise Unavailable("the line was cut")
        return applied
