"""What an application hands back, as records. Encoded by msgspec with MCP's own field names.

They are the same in every revision of the protocol: what differs between revisions (`resultType`, cache hints,
the server's name) is added where the answer is framed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

CacheScope = Literal["public", "private"]


class CacheHint(msgspec.Struct, frozen=True):
    """How long a client may keep an answer, and whether it may share it between users. 0: not at all."""

    ttl_ms: int = 0
    scope: CacheScope = "private"


class ToolAnnotations(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    title: str | None = None
    read_only_hint: bool | None = None
    destructive_hint: bool | None = None
    idempotent_hint: bool | None = None
    open_world_hint: bool | None = None


class Tool(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Schemas are JSON Schema objects (a mapping, or the JSON itself as `Raw`), whose root has type `object`."""

    name: str
    title: str | None = None
    description: str | None = None
    input_schema: msgspec.Raw | dict[str, object]
    output_schema: msgspec.Raw | dict[str, object] | None = None
    annotations: ToolAnnotations | None = None


class Resource(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    uri: str
    name: str
    title: str | None = None
    description: str | None = None
    mime_type: str | None = None
    size: int | None = None


class ResourceTemplate(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    uri_template: str
    name: str
    title: str | None = None
    description: str | None = None
    mime_type: str | None = None


class PromptArgument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    name: str
    title: str | None = None
    description: str | None = None
    required: bool = False


class Prompt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    name: str
    title: str | None = None
    description: str | None = None
    arguments: Sequence[PromptArgument] = ()


class Page(msgspec.Struct, frozen=True):
    """One page of a list. `items` may be a JSON array made beforehand (`Raw`), which costs nothing to send."""

    items: Sequence[object] | msgspec.Raw
    next_cursor: str | None = None
    cache: CacheHint = CacheHint()


class ToolResult(msgspec.Struct, frozen=True):
    """`text` is what a model reads; `structured` anything msgspec encodes (or `Raw`), left out while UNSET.

    An error of the call itself (a bad argument, a conflict) is `is_error` with a text that says what to do,
    so that the model can correct itself. `error` is its code, for who counts; it is not sent.
    """

    text: str
    structured: object | UnsetType = UNSET
    is_error: bool = False
    error: str = ""


class TextResource(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    uri: str
    text: str
    mime_type: str | None = None


class BlobResource(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """`blob` goes out in base64."""

    uri: str
    blob: bytes
    mime_type: str | None = None


class ResourceResult(msgspec.Struct, frozen=True):
    contents: Sequence[TextResource | BlobResource]
    cache: CacheHint = CacheHint()


class PromptMessage(msgspec.Struct, frozen=True):
    role: Literal["user", "assistant"]
    text: str


class PromptResult(msgspec.Struct, frozen=True):
    messages: Sequence[PromptMessage]
    description: str | None = None


class Completion(msgspec.Struct, frozen=True):
    """At most 100 values go out; `total` counts those that exist, where known."""

    values: Sequence[str]
    total: int | None = None
    has_more: bool = False
