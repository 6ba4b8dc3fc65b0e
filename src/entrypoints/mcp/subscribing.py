"""What one connection is told without having asked again: its subscriptions, in either era.

Bounded in everything: so many streams and resources a connection, and what waits for a slow client is which resources
have changed, never how often. A client that does not read holds up nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from .application import Refused
from .identity import LISTEN, SUBSCRIBE, UNSUBSCRIBE
from .messages import SERVER_BUSY, SUBSCRIPTION_KEY
from .methods import decoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .application import CallContext, Subscriptions
    from .protocol import Connection, Request

METHODS: Final = frozenset({LISTEN, SUBSCRIBE, UNSUBSCRIBE})
MAX_STREAMS: Final = 64
"""`subscriptions/listen` requests and `resources/subscribe` URIs of one connection, open at once."""
MAX_URIS: Final = 256
"""Resources that they name, together."""
_PARTS: Final = 32
"""Changed parts of what a stream names that wait for a slow client; beyond, it is told of the whole."""


class _Wanted(msgspec.Struct, frozen=True, rename="camel"):
    """The other kinds of notifications are never sent, and so not acknowledged."""

    resource_subscriptions: list[str] | None = None


class _ListenParams(msgspec.Struct, frozen=True):
    notifications: _Wanted


class _UriParams(msgspec.Struct, frozen=True):
    uri: str


class _Stream:
    """`request` is None in the handshake eras. `changed` waits to be told: until acknowledged, or until it is read."""

    def __init__(self, request: Request | None, uris: Sequence[str]) -> None:
        self.request = request
        self.uris = tuple(uris)
        self.changed: dict[str, None] = {}
        self.acknowledged = False
        self.close: Callable[[], None] | None = None

    def note(self, uris: Iterable[str]) -> None:
        self.changed.update(dict.fromkeys(uris))
        if len(self.changed) > len(self.uris) + _PARTS:
            self.changed = dict.fromkeys(self.uris)


class Subscriber:
    """The streams of one connection. Says what is to be said by `connection`, and then calls `flush`."""

    def __init__(
        self, connection: Connection, source: Subscriptions | None, flush: Callable[[], None]
    ) -> None:
        self._connection = connection
        self._source = source
        self._flush = flush
        self._streams: dict[Request | str, _Stream] = {}
        self._held = False
        self._ended = False

    def holds(self, request: Request) -> bool:
        """Whether it is a stream: answered when that ends, and only then."""
        return request in self._streams

    async def call(self, request: Request, context: CallContext) -> None:
        """One of `METHODS`, answered here."""
        if request.method == LISTEN:
            await self._listen(request, context)
            return
        uri = decoded(request.params, _UriParams).uri
        if request.method == UNSUBSCRIBE:
            self._drop(uri)
        elif uri not in self._streams:
            stream = _Stream(None, (uri,))
            await self._open(uri, stream, context)
            stream.acknowledged = True
        self._connection.respond(request, b"{}")

    def drop(self, request: Request) -> None:
        """The client has cancelled it: nothing more is said of it."""
        self._drop(request)

    def hold(self) -> None:
        """The client is slow to read: changes are noted, and told later."""
        self._held = True

    def release(self) -> None:
        self._held = False
        for stream in self._streams.values():
            self._tell(stream)

    def end(self) -> None:
        """Every stream, in good order; there are none from now on."""
        self._ended = True
        for key, stream in list(self._streams.items()):
            self._drop(key)
            if stream.request is not None:
                self._connection.end_stream(stream.request)

    async def _listen(self, request: Request, context: CallContext) -> None:
        wanted = decoded(request.params, _ListenParams).notifications.resource_subscriptions or ()
        stream = _Stream(request, tuple(dict.fromkeys(wanted)))
        await self._open(request, stream, context)
        if not self.holds(request):
            return  # ended meanwhile, and answered
        honoured = {"resourceSubscriptions": stream.uris} if stream.uris else {}
        self._connection.notify(
            "notifications/subscriptions/acknowledged",
            {"notifications": honoured, "_meta": {SUBSCRIPTION_KEY: request.id}},
        )
        stream.acknowledged = True
        self._tell(stream)

    async def _open(self, key: Request | str, stream: _Stream, context: CallContext) -> None:
        assert self._source is not None
        if self._ended:
            raise Refused("the server is shutting down", code=SERVER_BUSY)
        self._check_room(len(stream.uris))
        # From now on, so that many at once do not all find the same room.
        self._streams[key] = stream
        try:
            if stream.uris:
                opened = await self._source.open(
                    stream.uris, lambda uris: self._changed(stream, uris), context
                )
                stream.uris, stream.close = opened.uris, opened.close
        except BaseException:
            self._streams.pop(key, None)
            raise
        if self._streams.get(key) is not stream and stream.close is not None:
            stream.close()  # unsubscribed, or ended, meanwhile

    def _check_room(self, more: int) -> None:
        named = sum(len(stream.uris) for stream in self._streams.values())
        if len(self._streams) >= MAX_STREAMS or named + more > MAX_URIS:
            raise Refused(
                f"this connection has {len(self._streams)} subscriptions to {named} resources, and may have "
                f"{MAX_STREAMS} to {MAX_URIS}: end some of them first",
                code=SERVER_BUSY,
            )

    def _drop(self, key: Request | str) -> None:
        stream = self._streams.pop(key, None)
        if stream is not None and stream.close is not None:
            stream.close()

    def _changed(self, stream: _Stream, uris: Iterable[str]) -> None:
        stream.note(uris)
        self._tell(stream)

    def _tell(self, stream: _Stream) -> None:
        if self._held or not stream.acknowledged or not stream.changed:
            return
        changed, stream.changed = stream.changed, {}
        for uri in changed:
            params: dict[str, object] = {"uri": uri}
            if stream.request is not None:
                params["_meta"] = {SUBSCRIPTION_KEY: stream.request.id}
            self._connection.notify("notifications/resources/updated", params)
        self._flush()
