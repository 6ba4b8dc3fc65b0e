"""Each call of a tool and each read of a resource: timed, counted, traced and, if asked for, told in a line."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Final, Self

from ..mcp.application import Refused
from ..mcp.messages import INVALID_PARAMS, SERVER_BUSY
from ..mcp.tools import TOOLS
from .current import begin_call, current_call
from .timed import DEFECT, OK, outcome_of

if TYPE_CHECKING:
    from types import TracebackType

    import msgspec

    from ..mcp.application import CallContext, Resources, Tools
    from ..mcp.content import Page, ResourceResult, ToolResult
    from .measures import Measures

UNKNOWN: Final = "unknown"
READ_RESOURCE: Final = "resources/read"
REFUSED: Final = "refused"
"""The request as such was wrong."""
_REFUSALS: Final = {INVALID_PARAMS: REFUSED, SERVER_BUSY: "rate_limited"}

_NAMES: Final = frozenset(str(tool["name"]) for tool in TOOLS)


class _Measured:
    """A call from its start to its end. One that is cancelled is not counted: that says nothing of what it called."""

    __slots__ = ("_begun", "_call", "_measures", "_name", "_span", "outcome")

    def __init__(self, measures: Measures, name: str, context: CallContext) -> None:
        self._measures = measures
        self._name = name
        self._call = current_call() or begin_call(context.meta)
        self.outcome = OK

    def __enter__(self) -> Self:
        measures = self._measures
        self._call.parts = {} if measures.perf else None
        self._span = None if measures.tracing is None else measures.tracing.begin(self._name, self._call)
        measures.calls_in_flight += 1
        self._begun = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        seconds = perf_counter() - self._begun
        measures = self._measures
        measures.calls_in_flight -= 1
        if error is not None:
            self.outcome = _outcome_of(error)
        if self.outcome:
            measures.calls.note((self._name, self.outcome), seconds)
            if measures.tell is not None:
                measures.tell(self._name, self._call, self.outcome, seconds)
        if self._span is not None:
            self._span.end(self.outcome)


def _outcome_of(error: BaseException) -> str:
    """Empty: cancelled."""
    if isinstance(error, Refused):
        return _REFUSALS.get(error.code, "unavailable")
    return outcome_of(error) if isinstance(error, Exception) else ""


class MeasuredTools:
    def __init__(self, tools: Tools, measures: Measures) -> None:
        self._measures = measures
        self._tools = tools

    async def list_tools(self, cursor: str | None) -> Page:
        return await self._tools.list_tools(cursor)

    async def call_tool(self, name: str, arguments: msgspec.Raw, context: CallContext) -> ToolResult:
        # A name that is none of ours is whatever a client wrote: as a label it would make a series of each.
        with _Measured(self._measures, name if name in _NAMES else UNKNOWN, context) as measured:
            result = await self._tools.call_tool(name, arguments, context)
            if result.is_error:
                measured.outcome = result.error or DEFECT
        return result


class MeasuredResources:
    def __init__(self, resources: Resources, measures: Measures) -> None:
        self._measures = measures
        self._resources = resources

    async def list_resources(self, cursor: str | None) -> Page:
        return await self._resources.list_resources(cursor)

    async def list_resource_templates(self, cursor: str | None) -> Page:
        return await self._resources.list_resource_templates(cursor)

    async def read_resource(self, uri: str, context: CallContext) -> ResourceResult:
        with _Measured(self._measures, READ_RESOURCE, context):
            return await self._resources.read_resource(uri, context)
