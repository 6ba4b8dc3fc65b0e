"""The wire: revisions, error codes, and the shapes that messages are decoded into.

Checked against the official types (`mcp_types`, revisions 2025-06-18 to 2026-07-28) in `tests/`.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

LATEST: Final = "2026-07-28"
# Newest first: an `initialize` that asks for anything else is answered with the first.
HANDSHAKE_REVISIONS: Final = ("2025-11-25", "2025-06-18")
STATELESS_REVISIONS: Final = (LATEST,)
REVISIONS: Final = STATELESS_REVISIONS + HANDSHAKE_REVISIONS

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
UNSUPPORTED_REVISION: Final = -32022
# Retired by 2026-07-28, which says INVALID_PARAMS instead.
RESOURCE_NOT_FOUND: Final = -32002
# Ours, from the range -32000 to -32019 that 2026-07-28 leaves to implementations.
SERVER_BUSY: Final = -32010

PROTOCOL_KEY: Final = "io.modelcontextprotocol/protocolVersion"
CLIENT_INFO_KEY: Final = "io.modelcontextprotocol/clientInfo"
CLIENT_CAPABILITIES_KEY: Final = "io.modelcontextprotocol/clientCapabilities"
SERVER_INFO_KEY: Final = "io.modelcontextprotocol/serverInfo"
SUBSCRIPTION_KEY: Final = "io.modelcontextprotocol/subscriptionId"

NO_PARAMS: Final = msgspec.Raw(b"{}")
NO_META: Final = msgspec.Raw(b"{}")
NULL: Final = msgspec.Raw(b"null")

RequestId = int | str


class ClientInfo(msgspec.Struct, frozen=True, gc=False):
    name: str = ""
    version: str = ""


class Envelope(msgspec.Struct, frozen=True):
    """Any JSON-RPC message. With `result` or `error` and no `method` it is an answer."""

    jsonrpc: Literal["2.0"]
    method: str | UnsetType = UNSET
    id: RequestId | UnsetType = UNSET
    params: msgspec.Raw = NO_PARAMS
    result: msgspec.Raw | UnsetType = UNSET
    error: msgspec.Raw | UnsetType = UNSET


class LooseEnvelope(msgspec.Struct, frozen=True):
    """What can still be known of a message that is not an `Envelope`."""

    id: object = UNSET
    method: object = UNSET
    result: msgspec.Raw | UnsetType = UNSET
    error: msgspec.Raw | UnsetType = UNSET


class WithMeta(msgspec.Struct, frozen=True):
    meta: msgspec.Raw = msgspec.field(default=NO_META, name="_meta")


class Capabilities(msgspec.Struct, frozen=True, gc=False):
    """A client's: an object, of which nothing is needed."""


class Meta(msgspec.Struct, frozen=True):
    """Request metadata that the protocol acts on."""

    protocol: str | UnsetType = msgspec.field(default=UNSET, name=PROTOCOL_KEY)
    client_info: ClientInfo | None = msgspec.field(default=None, name=CLIENT_INFO_KEY)
    client_capabilities: Capabilities | UnsetType = msgspec.field(default=UNSET, name=CLIENT_CAPABILITIES_KEY)
    progress_token: RequestId | None = msgspec.field(default=None, name="progressToken")


class InitializeParams(msgspec.Struct, frozen=True, rename="camel"):
    protocol_version: str
    client_info: ClientInfo
    capabilities: Capabilities


class CancelledParams(msgspec.Struct, frozen=True, rename="camel"):
    request_id: RequestId
    reason: str | None = None
