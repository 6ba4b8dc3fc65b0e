"""Spans for OpenTelemetry: one for each call of a tool, and one for each operation of a port within it.

They say what was called and how it ended, never what was said. Nothing global is set: a program that uses this library
keeps its own tracer. What goes where is said by OpenTelemetry's own variables (`OTEL_TRACES_EXPORTER`,
`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_TRACES_SAMPLER`, `OTEL_SERVICE_NAME`, ...).
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from opentelemetry import context as contexts
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace.span import TraceState

from ... import __version__
from ...ports.errors import Misconfigured
from .calls import READ_RESOURCE
from .timed import OK

if TYPE_CHECKING:
    from collections.abc import Generator
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span

    from .current import Call, TraceParent

_NANO = 1_000_000_000
_FLUSH_MS = 2_000


@contextmanager
def tracing(exporter: SpanExporter | None = None) -> Generator[Tracing]:
    """`exporter`: what `OTEL_TRACES_EXPORTER` names, if None. What is owed to it is sent at the end."""
    resource = Resource.create({"service.version": __version__})
    if resource.attributes.get("service.name", "").startswith("unknown_service"):  # type: ignore[union-attr]  # always text
        resource = resource.merge(Resource({"service.name": "agent-memory"}))
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(_named_exporter() if exporter is None else exporter))
    try:
        yield Tracing(provider)
    finally:
        provider.force_flush(_FLUSH_MS)
        provider.shutdown()


class Tracing:
    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer("agent_memory", __version__)

    def begin(self, name: str, call: Call) -> CallSpan:
        """For the rest of this task, until its end: what is traced meanwhile is part of it."""
        parent = call.parent
        said: dict[str, str] = {"mcp.method.name": name, "agent_memory.request": call.id}
        if name != READ_RESOURCE:
            said |= {"mcp.method.name": "tools/call", "gen_ai.tool.name": name}
        span = self._tracer.start_span(
            name if name == READ_RESOURCE else f"tools/call {name}",
            context=None if parent is None else _remote(parent),
            kind=SpanKind.SERVER,
            attributes=said,
        )
        call.trace = f"{span.get_span_context().trace_id:032x}"
        return CallSpan(span)

    def part(self, port: str, operation: str, outcome: str, seconds: float) -> None:
        """One that has just ended."""
        ended = time.time_ns()
        span = self._tracer.start_span(
            f"{port}.{operation}",
            kind=SpanKind.CLIENT,
            attributes={"agent_memory.port": port, "agent_memory.operation": operation},
            start_time=ended - round(seconds * _NANO),
        )
        _judge(span, outcome)
        span.end(ended)


class CallSpan:
    def __init__(self, span: Span) -> None:
        self._span = span
        self._token: Token[Context] = contexts.attach(set_span_in_context(span))

    def end(self, outcome: str) -> None:
        """An empty outcome: it was cancelled, which is no error."""
        contexts.detach(self._token)
        if outcome:
            _judge(self._span, outcome)
        self._span.end()


def _judge(span: Span, outcome: str) -> None:
    if outcome != OK:
        span.set_attribute("error.type", outcome)
        span.set_status(Status(StatusCode.ERROR))


def _remote(parent: TraceParent) -> Context:
    return set_span_in_context(
        NonRecordingSpan(
            SpanContext(
                trace_id=int(parent.trace, 16),
                span_id=int(parent.span, 16),
                is_remote=True,
                trace_flags=TraceFlags(int(parent.sampled)),
                trace_state=TraceState.from_header([parent.state]) if parent.state else TraceState(),
            )
        )
    )


def _named_exporter() -> SpanExporter:
    """Any that is installed, by the name under which its package registers it."""
    name = os.environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() or "otlp"
    if name == "console":
        return ConsoleSpanExporter(out=sys.stderr)  # stdout belongs to the protocol
    # `otlp` speaks gRPC in that registry; what this program comes with speaks HTTP.
    wanted = "otlp_proto_http" if name == "otlp" and not _is_grpc() else name
    for found in entry_points(group="opentelemetry_traces_exporter", name=wanted):
        exporter: SpanExporter = found.load()()
        return exporter
    raise Misconfigured(
        f"OTEL_TRACES_EXPORTER={name}: no such exporter is installed. "
        "There are otlp (with agent-memory[otel]), console and none"
    )


def _is_grpc() -> bool:
    names = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    return next((os.environ[name] for name in names if os.environ.get(name)), "").strip() == "grpc"
