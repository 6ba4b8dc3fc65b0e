"""One MCP connection as a state machine: bytes in, requests and bytes out. No I/O, no clock, no tasks.

The first accepted message settles the era: `initialize` opens a handshake era (2025-06-18, 2025-11-25), a
request with the 2026-07-28 envelope in its `_meta` the stateless one. Messages of the other era are refused
from then on, as the official SDK does; one that was refused settles nothing, so that a client may try the next.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec
from msgspec import UNSET

from ...core.redaction.redactor import scrubbed
from . import frames
from .content import CacheHint
from .identity import DISCOVER_TTL_MS, Identity
from .lines import Lines, Overlong
from .messages import (
    CLIENT_CAPABILITIES_KEY,
    HANDSHAKE_REVISIONS,
    INVALID_PARAMS,
    INVALID_REQUEST,
    LATEST,
    METHOD_NOT_FOUND,
    NO_META,
    NO_PARAMS,
    NULL,
    PARSE_ERROR,
    PROTOCOL_KEY,
    REVISIONS,
    STATELESS_REVISIONS,
    UNSUPPORTED_REVISION,
    CancelledParams,
    ClientInfo,
    Envelope,
    InitializeParams,
    LooseEnvelope,
    Meta,
    RequestId,
    WithMeta,
)
from .nesting import deeper_than
from .overlong import id_of
from .surrogates import lone_surrogate

MAX_LINE: Final = 4 * 1024 * 1024
MAX_DEPTH: Final = 128

_ENVELOPE = msgspec.json.Decoder(Envelope)
_LOOSE = msgspec.json.Decoder(LooseEnvelope)
_WITH_META = msgspec.json.Decoder(WithMeta)
_META = msgspec.json.Decoder(Meta)


class Request(msgspec.Struct, frozen=True, eq=False):
    """A request for the application, to be answered by `respond` or `fail`, once. Compared by identity."""

    id: RequestId
    method: str
    params: msgspec.Raw
    meta: msgspec.Raw
    revision: str
    client: ClientInfo
    progress_token: RequestId | None

    @property
    def stateless(self) -> bool:
        return self.revision in STATELESS_REVISIONS


class Cancelled(msgspec.Struct, frozen=True):
    """The client no longer wants this one: whatever is said to it from now on is dropped."""

    request: Request
    reason: str | None


Incoming = Request | Cancelled


class Connection:
    def __init__(self, identity: Identity, *, max_line: int = MAX_LINE, max_depth: int = MAX_DEPTH) -> None:
        self._identity = identity
        self._max_line = max_line
        self._max_depth = max_depth
        self._lines = Lines(max_line)
        self._era: Literal["handshake", "stateless"] | None = None
        self._revision = LATEST
        self._client = ClientInfo()
        self._open: dict[RequestId, Request] = {}
        self._out: list[bytes] = []
        self._incoming: list[Incoming] = []

    def receive(self, data: bytes) -> list[Incoming]:
        """Whatever `data` completes. What the protocol itself answers is in the output already."""
        return self._take(self._lines.feed(data))

    def receive_end(self) -> list[Incoming]:
        """The stream has ended: a last line without newline counts."""
        return self._take(self._lines.end())

    def take_output(self) -> bytes:
        if not self._out:
            return b""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def respond(self, request: Request, result: object, cache: CacheHint | None = None) -> None:
        """`result` is an object that msgspec encodes to a JSON object, or bytes that are one. What the revision
        wants beside it is added here. `cache` is for results that the stateless era makes cacheable.
        """
        self._answer(request, result, self._identity.stateless_tail if request.stateless else None, cache)

    def end_stream(self, request: Request) -> None:
        """The answer to a request for a subscription: there will be no more of it."""
        self._answer(request, b"{}", self._identity.stream_tail(request.id), None)

    def fail(self, request: Request, code: int, message: str, data: object = None) -> None:
        if self._close(request):
            self._out.append(frames.error(request.id, code, message, data))

    def progress(
        self, request: Request, progress: float, total: float | None = None, message: str | None = None
    ) -> None:
        """Dropped when the client asked for none, or the request is answered or cancelled."""
        if request.progress_token is not None and self._open.get(request.id) is request:
            self._out.append(frames.progress(request.progress_token, progress, total, message))

    def notify(self, method: str, params: object = None) -> None:
        self._out.append(frames.notification(method, params))

    def _take(self, lines: list[bytes | Overlong]) -> list[Incoming]:
        for line in lines:
            if isinstance(line, Overlong):
                known = id_of(line)
                # The answer to another request is not given away.
                known = None if known in self._open else known
                self._refuse(known, INVALID_REQUEST, f"a message is longer than {self._max_line} bytes")
            elif line and not line.isspace():
                self._message(line)
        incoming = self._incoming
        self._incoming = []
        return incoming

    def _message(self, line: bytes) -> None:
        try:
            # msgspec leaves the UTF-8 of what it skips unchecked; ASCII is the common case and costs nothing.
            if not line.isascii():
                line.decode()
            message = _ENVELOPE.decode(line)
        except msgspec.ValidationError as error:
            self._not_an_envelope(line, str(error))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            broken = lone_surrogate(line)
            if broken is None:
                self._refuse(None, PARSE_ERROR, f"not JSON: {error}")
            else:
                known, place = broken
                self._refuse(known, INVALID_PARAMS, f"{place}: lone surrogate; send valid Unicode")
        except RecursionError:
            self._refuse(None, INVALID_REQUEST, self._too_deep())
        else:
            self._envelope(message, line)

    def _envelope(self, message: Envelope, line: bytes) -> None:
        identifier = message.id
        if message.method is UNSET:
            if message.result is UNSET and message.error is UNSET:
                known = None if identifier is UNSET else identifier
                self._refuse(known, INVALID_REQUEST, "a message needs a method")
        elif identifier is UNSET:
            if message.method == "notifications/cancelled":
                self._cancelled(message.params)
        elif identifier in self._open:
            self._refuse(identifier, INVALID_REQUEST, "a request with this id is in flight")
        elif deeper_than(self._max_depth, line):
            self._refuse(identifier, INVALID_REQUEST, self._too_deep())
        else:
            self._request(identifier, message.method, message.params)

    def _not_an_envelope(self, line: bytes, problem: str) -> None:
        try:
            message = _LOOSE.decode(line)
        except (msgspec.DecodeError, RecursionError):
            # An array (a batch, which no revision served here has), a scalar, or an id out of range.
            self._refuse(None, INVALID_REQUEST, f"not a JSON-RPC request object: {problem}")
            return
        answers = message.result is not UNSET or message.error is not UNSET
        if message.method is UNSET and answers:
            # Answering an answer, however broken, could go on for ever.
            return
        identifier = message.id if isinstance(message.id, int | str) else None
        known = None if isinstance(identifier, bool) else identifier
        self._refuse(known, INVALID_REQUEST, f"not a JSON-RPC request: {problem}")

    def _cancelled(self, params: msgspec.Raw) -> None:
        try:
            cancelled = msgspec.json.decode(params, type=CancelledParams)
        except (msgspec.DecodeError, RecursionError):
            # A notification is never answered, and one that names no request has nothing to cancel.
            return
        request = self._open.pop(cancelled.request_id, None)
        if request is not None:
            self._incoming.append(Cancelled(request, cancelled.reason))

    def _request(self, identifier: RequestId, method: str, params: msgspec.Raw) -> None:
        if params == NULL:
            params = NO_PARAMS
        try:
            meta_json = _WITH_META.decode(params).meta
            if meta_json == NULL:
                meta_json = NO_META
            meta = _META.decode(meta_json)
        except msgspec.ValidationError as error:
            self._refuse(identifier, INVALID_PARAMS, f"params: {error}")
            return
        if method == "initialize":
            self._initialize(identifier, params)
            return
        if meta.protocol is UNSET:
            accepted = self._accept_handshake(identifier, method)
            client = self._client
        else:
            accepted = self._accept_stateless(identifier, method, meta)
            client = meta.client_info or ClientInfo()
        if accepted:
            request = Request(
                identifier, method, params, meta_json, self._revision, client, meta.progress_token
            )
            self._open[identifier] = request
            self._incoming.append(request)

    def _initialize(self, identifier: RequestId, params: msgspec.Raw) -> None:
        try:
            wanted = msgspec.json.decode(params, type=InitializeParams)
        except msgspec.ValidationError as error:
            self._refuse(identifier, INVALID_PARAMS, f"params: {error}")
            return
        if self._era == "stateless":
            self._refuse(
                identifier,
                UNSUPPORTED_REVISION,
                f"this connection speaks {LATEST}, which has no handshake",
                {"supported": STATELESS_REVISIONS, "requested": wanted.protocol_version},
            )
            return
        known = wanted.protocol_version in HANDSHAKE_REVISIONS
        self._era = "handshake"
        self._revision = wanted.protocol_version if known else HANDSHAKE_REVISIONS[0]
        self._client = wanted.client_info
        self._out.append(frames.result(identifier, self._identity.initialized(self._revision)))

    def _accept_handshake(self, identifier: RequestId, method: str) -> bool:
        """A request without envelope."""
        if self._era == "stateless" or (self._era is None and method == "server/discover"):
            keys = f"{PROTOCOL_KEY!r} and {CLIENT_CAPABILITIES_KEY!r}"
            self._refuse(identifier, INVALID_PARAMS, f"params._meta must carry {keys}")
        elif method == "ping":
            self._out.append(frames.result(identifier, b"{}"))
        elif method not in self._identity.handshake_methods:
            self._unknown(identifier, method)
        elif self._era is None:
            hint = f"send initialize first, or carry {PROTOCOL_KEY!r} in params._meta"
            self._refuse(identifier, INVALID_REQUEST, hint)
        else:
            return True
        return False

    def _accept_stateless(self, identifier: RequestId, method: str, meta: Meta) -> bool:
        if self._era == "handshake":
            problem = f"this connection was opened by a handshake for {self._revision}"
            self._refuse(identifier, INVALID_REQUEST, f"{problem}; requests carry no {PROTOCOL_KEY!r} on it")
        elif meta.client_capabilities is UNSET:
            self._refuse(identifier, INVALID_PARAMS, f"params._meta must carry {CLIENT_CAPABILITIES_KEY!r}")
        elif meta.protocol not in STATELESS_REVISIONS:
            supported = REVISIONS if self._era is None else STATELESS_REVISIONS
            data = {"supported": supported, "requested": meta.protocol}
            self._refuse(identifier, UNSUPPORTED_REVISION, "unsupported protocol version", data)
        else:
            self._era = "stateless"
            if method == "server/discover":
                body = self._identity.discovered()
                hint = CacheHint(DISCOVER_TTL_MS, "public")
                tail = self._identity.stateless_tail
                self._out.append(frames.result(identifier, body, tail=tail, cache=hint))
            elif method not in self._identity.stateless_methods:
                self._unknown(identifier, method)
            else:
                return True
        return False

    def _unknown(self, identifier: RequestId, method: str) -> None:
        self._refuse(identifier, METHOD_NOT_FOUND, f"method not found: {method[:100]}")

    def _too_deep(self) -> str:
        return f"a message nests deeper than {self._max_depth} levels"

    def _refuse(self, identifier: RequestId | None, code: int, message: str, data: object = None) -> None:
        self._out.append(frames.error(identifier, code, scrubbed(message), data))

    def _answer(self, request: Request, body: object, tail: bytes | None, cache: CacheHint | None) -> None:
        line = frames.result(request.id, body, tail=tail, cache=cache)
        if self._close(request):
            self._out.append(line)

    def _close(self, request: Request) -> bool:
        if self._open.get(request.id) is not request:
            return False
        del self._open[request.id]
        return True
