"""Each call of a tool and each read of a resource: timed, counted, traced and, if asked for, told in a line."""

from __future__ import annotations

from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Final

from ..mcp.application import Refused
from ..mcp.messages import INVALID_PARAMS, SERVER_BUSY
from ..mcp.tools import TOOLS
from .current import Call, begin_call, current_call
from .timed import DEFECT, OK, outcome_of

if TYPE_CHECKING:
    from collections.abc import Generator

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


class _Outcome:
    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = OK


class _Measured:
    def __init__(self, measures: Measures) -> None:
        self._measures = measures

    @contextmanager
    def _measuring(self, name: str, context: CallContext) -> Generator[_Outcome]:
        """A call that was cancelled is not counted: that says nothing about what was called."""
        measures = self._measures
        call = current_call() or begin_call(context.meta)
        call.parts = {} if measures.perf else None
        span = None if measures.tracing is None else measures.tracing.begin(name, call)
        outcome = _Outcome()
        measures.calls_in_flight += 1
        begun = perf_counter()
        try:
            yield outcome
        except Refused as error:
            outcome.value = _REFUSALS.get(error.code, "unavailable")
            raise
        except Exception as error:
            outcome.value = outcome_of(error)
            raise
        except BaseException:
            outcome.value = ""
            raise
        finally:
            measures.calls_in_flight -= 1
            if outcome.value:
                self._note(name, call, outcome.value, perf_counter() - begun)
            if span is not None:
                span.end(outcome.value)

    def _note(self, name: str, call: Call, outcome: str, seconds: float) -> None:
        self._measures.calls.note((name, outcome), seconds)
        if self._measures.tell is not None:
            self._measures.tell(name, call, outcome, seconds)


class MeasuredTools(_Measured):
    def __init__(self, tools: Tools, measures: Measures) -> None:
        super().__init__(measures)
        self._tools = tools

    async def list_tools(self, cursor: str | None) -> Page:
        return await self._tools.list_tools(cursor)

    async def call_tool(self, name: str, arguments: msgspec.Raw, context: CallContext) -> ToolResult:
        # A name that is none of ours is whatever a client wrote: as a label it would make a series of each.
        with self._measuring(name if name in _NAMES else UNKNOWN, context) as outcome:
            result = await self._tools.call_tool(name, arguments, context)
            if result.is_error:
                outcome.value = result.error or DEFECT
        return result


class MeasuredResources(_Measured):
    def __init__(self, resources: Resources, measures: Measures) -> None:
        super().__init__(measures)
        self._resources = resources

    async def list_resources(self, cursor: str | None) -> Page:
        return await self._resources.list_resources(cursor)

    async def list_resource_templates(self, cursor: str | None) -> Page:
        return await self._resources.list_resource_templates(cursor)

    async def read_resource(self, uri: str, context: CallContext) -> ResourceResult:
        with self._measuring(READ_RESOURCE, context):
            return await self._resources.read_resource(uri, context)
