"""Subscriptions to resources of the memory, within the caller's ceiling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.caller import Caller
from ...ports.errors import PortError
from .application import Opened, ResourceNotFound
from .refusing import counted, refused
from .topics import LONGEST_URI, topic_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ..wiring import App
    from .application import CallContext


class MemorySubscriptions:
    def __init__(self, app: App) -> None:
        self._app = app
        self._caller = Caller(agent=app.settings.agent_id, ceiling=app.settings.scope)

    async def open(
        self, uris: Sequence[str], tell: Callable[[Iterable[str]], None], context: CallContext
    ) -> Opened:
        """What is refused for being beyond the ceiling is refused in the words for what there is not."""
        topics = {uri: topic for uri in uris if (topic := topic_of(uri, self._caller.ceiling)) is not None}
        await counted(self._app, self._caller, context)
        if not topics:
            raise ResourceNotFound(uris[0][:LONGEST_URI])
        try:
            close = await self._app.changes.listen(tuple(topics.values()), tell)
        except PortError as error:
            raise refused(error) from None
        return Opened(tuple(topics), close)
