"""From a request's params to the application's method, and from what that returns to a result body."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from .application import CallContext, Completions, CompletionTarget, Prompts, Refused, Resources, Tools
from .content import BlobResource, TextResource
from .messages import NO_PARAMS, NULL

if TYPE_CHECKING:
    from .application import Application
    from .content import CacheHint, Page

# A JSON object's fields, and what the stateless era may say about caching it.
Answer = tuple[msgspec.Struct, "CacheHint | None"]
Method = Callable[[msgspec.Raw, CallContext], Awaitable[Answer]]

_MAX_COMPLETIONS = 100


class _ToolCall(msgspec.Struct, frozen=True):
    name: str
    arguments: msgspec.Raw = NO_PARAMS


class _ListParams(msgspec.Struct, frozen=True):
    cursor: str | None = None


class _ReadParams(msgspec.Struct, frozen=True):
    uri: str


class _PromptParams(msgspec.Struct, frozen=True):
    name: str
    arguments: dict[str, str] | None = None


class _PromptReference(msgspec.Struct, frozen=True, tag_field="type", tag="ref/prompt"):
    name: str


class _ResourceReference(msgspec.Struct, frozen=True, tag_field="type", tag="ref/resource"):
    uri: str


class _Argument(msgspec.Struct, frozen=True):
    name: str
    value: str


class _CompletionContext(msgspec.Struct, frozen=True):
    arguments: dict[str, str] | None = None


class _CompleteParams(msgspec.Struct, frozen=True):
    ref: _PromptReference | _ResourceReference
    argument: _Argument
    context: _CompletionContext | None = None


class _Text(msgspec.Struct, frozen=True, tag_field="type", tag="text"):
    text: str


class _ToolBody(msgspec.Struct, frozen=True, rename="camel"):
    content: tuple[_Text, ...]
    structured_content: object | UnsetType = UNSET
    is_error: bool = False


class _ToolsBody(msgspec.Struct, frozen=True, rename="camel"):
    tools: object
    next_cursor: str | UnsetType = UNSET


class _ResourcesBody(msgspec.Struct, frozen=True, rename="camel"):
    resources: object
    next_cursor: str | UnsetType = UNSET


class _TemplatesBody(msgspec.Struct, frozen=True, rename="camel"):
    resource_templates: object
    next_cursor: str | UnsetType = UNSET


class _PromptsBody(msgspec.Struct, frozen=True, rename="camel"):
    prompts: object
    next_cursor: str | UnsetType = UNSET


class _ContentsBody(msgspec.Struct, frozen=True):
    contents: tuple[TextResource | BlobResource, ...]


class _MessageBody(msgspec.Struct, frozen=True):
    role: Literal["user", "assistant"]
    content: _Text


class _PromptBody(msgspec.Struct, frozen=True):
    messages: list[_MessageBody]
    description: str | UnsetType = UNSET


class _CompletionValues(msgspec.Struct, frozen=True, rename="camel"):
    values: list[str]
    total: int | UnsetType = UNSET
    has_more: bool = False


class _CompletionBody(msgspec.Struct, frozen=True):
    completion: _CompletionValues


def methods_of(application: Application) -> dict[str, Method]:
    methods: dict[str, Method] = {}
    if application.tools is not None:
        methods |= _tools(application.tools)
    if application.resources is not None:
        methods |= _resources(application.resources)
    if application.prompts is not None:
        methods |= _prompts(application.prompts)
    if application.completions is not None:
        methods |= _completions(application.completions)
    return methods


def _tools(tools: Tools) -> dict[str, Method]:
    async def call(params: msgspec.Raw, context: CallContext) -> Answer:
        wanted = decoded(params, _ToolCall)
        arguments = NO_PARAMS if wanted.arguments == NULL else wanted.arguments
        if not bytes(arguments).startswith(b"{"):
            raise Refused("params.arguments must be an object")
        result = await tools.call_tool(wanted.name, arguments, context)
        return _ToolBody((_Text(result.text),), result.structured, result.is_error), None

    return {"tools/list": _listing(tools.list_tools, _ToolsBody), "tools/call": call}


def _resources(resources: Resources) -> dict[str, Method]:
    async def read(params: msgspec.Raw, context: CallContext) -> Answer:
        result = await resources.read_resource(decoded(params, _ReadParams).uri, context)
        return _ContentsBody(tuple(result.contents)), result.cache

    return {
        "resources/list": _listing(resources.list_resources, _ResourcesBody),
        "resources/templates/list": _listing(resources.list_resource_templates, _TemplatesBody),
        "resources/read": read,
    }


def _prompts(prompts: Prompts) -> dict[str, Method]:
    async def get(params: msgspec.Raw, context: CallContext) -> Answer:
        wanted = decoded(params, _PromptParams)
        result = await prompts.get_prompt(wanted.name, wanted.arguments or {}, context)
        messages = [_MessageBody(message.role, _Text(message.text)) for message in result.messages]
        return _PromptBody(messages, _present(result.description)), None

    return {"prompts/list": _listing(prompts.list_prompts, _PromptsBody), "prompts/get": get}


def _completions(completions: Completions) -> dict[str, Method]:
    async def complete(params: msgspec.Raw, context: CallContext) -> Answer:
        wanted = decoded(params, _CompleteParams)
        argument = wanted.argument
        if isinstance(wanted.ref, _PromptReference):
            target = CompletionTarget("prompt", wanted.ref.name, argument.name)
        else:
            target = CompletionTarget("resource", wanted.ref.uri, argument.name)
        resolved = wanted.context.arguments if wanted.context is not None else None
        result = await completions.complete(target, argument.value, resolved or {}, context)
        values = list(result.values[:_MAX_COMPLETIONS])
        more = result.has_more or len(result.values) > _MAX_COMPLETIONS
        return _CompletionBody(_CompletionValues(values, _present(result.total), more)), None

    return {"completion/complete": complete}


def _listing(
    source: Callable[[str | None], Awaitable[Page]], body: Callable[[object, str | UnsetType], msgspec.Struct]
) -> Method:
    async def listed(params: msgspec.Raw, _context: CallContext) -> Answer:
        page = await source(decoded(params, _ListParams).cursor)
        return body(page.items, _present(page.next_cursor)), page.cache

    return listed


_Value = TypeVar("_Value")


def _present(value: _Value | None) -> _Value | UnsetType:
    return UNSET if value is None else value


def decoded(params: msgspec.Raw, shape: type[_Value]) -> _Value:
    try:
        return msgspec.json.decode(params, type=shape)
    except msgspec.ValidationError as error:
        raise Refused(f"params: {error}") from error
