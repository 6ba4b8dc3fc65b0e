"""What an MCP server asks of the program behind it.

A program offers any of five things, each a Protocol of its own; a capability is advertised exactly when its
part of `Application` is given. Methods run as one asyncio task a call and are cancelled when the client
cancels or the server gives up waiting: what they must finish they have to shield.

They may raise `Refused` (the client gets that JSON-RPC error). Anything else that they raise is a defect: the
client gets a generic error with an incident id, and the trace goes to stderr under the same id.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from ...core.redaction.redactor import scrubbed
from .messages import INVALID_PARAMS, LATEST, NO_META, ClientInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .content import Completion, Page, PromptResult, ResourceResult, ToolResult

ProgressReport = Callable[[float, float | None, str | None], None]


class CallContext(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls, and in which revision. `meta` is the request's `_meta` object, as JSON.

    `report` is None when the client asked for no progress.
    """

    client: ClientInfo = ClientInfo()
    protocol: str = LATEST
    meta: msgspec.Raw = NO_META
    report: ProgressReport | None = None

    def progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        """Tell the client how far the call is, in growing figures. Nothing is sent to one that did not ask."""
        if self.report is not None:
            self.report(progress, total, message)


class Refused(Exception):
    """The request as such is wrong: the client gets this JSON-RPC error, which quotes no secret."""

    def __init__(self, message: str, *, code: int = INVALID_PARAMS, data: object = None) -> None:
        self.message = scrubbed(message)
        super().__init__(self.message)
        self.code = code
        self.data = data


class UnknownTool(Refused):
    def __init__(self, name: str) -> None:
        super().__init__(f"unknown tool: {name}")


class UnknownPrompt(Refused):
    def __init__(self, name: str) -> None:
        super().__init__(f"unknown prompt: {name}")


class ResourceNotFound(Refused):
    """Its code differs between revisions: the server puts the right one."""

    def __init__(self, uri: str) -> None:
        super().__init__(f"resource not found: {uri}", data={"uri": scrubbed(uri)})


class Tools(Protocol):
    async def list_tools(self, cursor: str | None) -> Page:
        """In a stable order, the same for every connection. `Refused` for a cursor that is not ours."""
        ...

    async def call_tool(self, name: str, arguments: msgspec.Raw, context: CallContext) -> ToolResult:
        """`arguments` is always a JSON object. `UnknownTool`; a bad argument is a result with `is_error`."""
        ...


class Resources(Protocol):
    async def list_resources(self, cursor: str | None) -> Page: ...

    async def list_resource_templates(self, cursor: str | None) -> Page: ...

    async def read_resource(self, uri: str, context: CallContext) -> ResourceResult:
        """`ResourceNotFound`."""
        ...


class Prompts(Protocol):
    async def list_prompts(self, cursor: str | None) -> Page: ...

    async def get_prompt(self, name: str, arguments: Mapping[str, str], context: CallContext) -> PromptResult:
        """`UnknownPrompt`; `Refused` when a required argument is missing."""
        ...


class CompletionTarget(msgspec.Struct, frozen=True):
    """What a completion is asked for: the argument of a prompt (`name` is its name) or the variable of
    a resource template (`name` is its URI template).
    """

    kind: Literal["prompt", "resource"]
    name: str
    argument: str


class Completions(Protocol):
    async def complete(
        self, target: CompletionTarget, value: str, resolved: Mapping[str, str], context: CallContext
    ) -> Completion:
        """Values that start with `value`, best first. `resolved` holds the arguments that are settled already."""
        ...


class Opened(msgspec.Struct, frozen=True):
    """A subscription. `uris` are those whose changes will be told, as they were asked for; `close` ends it."""

    uris: tuple[str, ...]
    close: Callable[[], None]


class Subscriptions(Protocol):
    async def open(
        self, uris: Sequence[str], tell: Callable[[Iterable[str]], None], context: CallContext
    ) -> Opened:
        """From the moment this returns `tell` is called with the URIs of what has changed: those asked for, or of
        what is part of them. It is called on the running loop and takes no time. `Refused`, `ResourceNotFound` where
        none of them is to be had.
        """
        ...


class Application(msgspec.Struct, frozen=True, kw_only=True):
    tools: Tools | None = None
    resources: Resources | None = None
    prompts: Prompts | None = None
    completions: Completions | None = None
    subscriptions: Subscriptions | None = None
