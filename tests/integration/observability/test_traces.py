"""Spans of calls and of what happens within them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, get_tracer_provider

from agent_memory.entrypoints.observability.traces import tracing
from agent_memory.entrypoints.settings import read_settings

from ..clients.raw_server import HELLO, call_line
from .test_metrics import sqlite
from .watched import Watched, watched

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from opentelemetry.sdk.trace import ReadableSpan

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def spans_of(folder: Path, work: Callable[[Watched], Awaitable[Any]]) -> list[ReadableSpan]:
    exporter = InMemorySpanExporter()
    async with watched(sqlite(folder)) as one:
        with tracing(exporter) as made:
            one.seen.measures.tracing = made
            await work(one)
            one.seen.measures.tracing = None
        return list(exporter.get_finished_spans())


def named(spans: list[ReadableSpan], name: str) -> ReadableSpan:
    [found] = [span for span in spans if span.name == name]
    return found


async def test_a_call_is_a_span_and_its_operations_are_within_it(tmp_path: Path) -> None:
    spans = await spans_of(tmp_path, lambda one: one.remember("tea at four"))
    call, apply = named(spans, "tools/call memory_remember"), named(spans, "storage.apply")
    assert (call.kind, apply.kind) == (SpanKind.SERVER, SpanKind.CLIENT)
    assert call.parent is None
    assert call.context is not None
    assert apply.parent is not None
    assert apply.parent.span_id == call.context.span_id
    assert call.status.status_code is StatusCode.UNSET
    assert call.start_time is not None
    assert call.end_time is not None
    assert apply.start_time is not None
    assert apply.end_time is not None
    slack = 5_000_000  # two clocks: one that is monotonic, one that is not
    assert call.start_time - slack <= apply.start_time <= apply.end_time <= call.end_time + slack


async def test_the_read_of_a_resource_is_a_span(tmp_path: Path) -> None:
    async def work(one: Watched) -> None:
        await one.answer(one.ask("resources/read", {"uri": "memory://scope/acme"}))

    attributes = dict(named(await spans_of(tmp_path, work), "resources/read").attributes or {})
    assert attributes["mcp.method.name"] == "resources/read"
    assert "gen_ai.tool.name" not in attributes


async def test_the_client_s_trace_is_continued(tmp_path: Path) -> None:
    async def work(one: Watched) -> None:
        await one.call("memory_remember", {"content": "tea at four"})
        parent = f"00-{TRACE}-{SPAN}-01"
        await one.call("memory_recall", {"query": "tea"}, traceparent=parent, tracestate="vendor=1")

    spans = await spans_of(tmp_path, work)
    call = named(spans, "tools/call memory_recall")
    assert call.context is not None
    assert f"{call.context.trace_id:032x}" == TRACE
    assert call.parent is not None
    assert f"{call.parent.span_id:016x}" == SPAN
    assert call.context.trace_state.get("vendor") == "1"
    within = [span for span in spans if span.parent and span.parent.span_id == call.context.span_id]
    assert "storage.get" in {span.name for span in within}


async def test_a_trace_that_the_client_does_not_sample_is_not_recorded(tmp_path: Path) -> None:
    spans = await spans_of(
        tmp_path, lambda one: one.call("memory_recall", {}, traceparent=f"00-{TRACE}-{SPAN}-00")
    )
    assert [span.name for span in spans if span.name.startswith("tools/")] == []


async def test_what_fails_says_how_and_nothing_of_what_it_was_about(tmp_path: Path) -> None:
    async def work(one: Watched) -> None:
        await one.call("memory_recall", {"limit": -1, "query": "marzipan"})
        await one.remember("marzipan")

    spans = await spans_of(tmp_path, work)
    failed = named(spans, "tools/call memory_recall")
    assert failed.status.status_code is StatusCode.ERROR
    assert dict(failed.attributes or {})["error.type"] == "rejected"
    assert "marzipan" not in "".join(span.to_json() for span in spans)


async def test_calls_side_by_side_do_not_mix(tmp_path: Path) -> None:
    async def work(one: Watched) -> None:
        await asyncio.gather(*(one.remember(f"fact {number}") for number in range(20)))

    spans = await spans_of(tmp_path, work)
    calls = {span.context.span_id for span in spans if span.context and span.name.startswith("tools/")}
    parents = [span.parent.span_id for span in spans if span.parent and span.name == "storage.apply"]
    assert len(calls) == 20
    assert sorted(parents) == sorted(calls)


async def test_lines_name_the_trace_of_the_span(tmp_path: Path) -> None:
    traces: list[str] = []

    async def work(one: Watched) -> None:
        one.seen.measures.tell = lambda _name, call, _outcome, _seconds: traces.append(call.trace)
        await one.remember("tea at four")

    spans = await spans_of(tmp_path, work)
    context = named(spans, "tools/call memory_remember").context
    assert context is not None
    assert traces == [f"{context.trace_id:032x}"]


async def test_nothing_global_is_set(tmp_path: Path) -> None:
    before = get_tracer_provider()
    await spans_of(tmp_path, lambda one: one.remember("tea at four"))
    assert get_tracer_provider() is before


def run_server(folder: Path, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """`agent-memory mcp` that is asked two things and then left."""
    said = HELLO + call_line(1, "memory_remember", {"content": "tea at four"})
    return subprocess.run(
        [sys.executable, "-m", "agent_memory.entrypoints.cli", "mcp"],
        input=said,
        capture_output=True,
        check=False,
        timeout=60,
        env={**sqlite(folder), **variables},
    )


def test_a_server_exports_as_opentelemetry_s_variables_say(tmp_path: Path) -> None:
    ran = run_server(tmp_path, OTEL_TRACES_EXPORTER="console", OTEL_SERVICE_NAME="desk")
    assert ran.returncode == 0
    assert [json.loads(line)["id"] for line in ran.stdout.splitlines()] == ["hello", 1]
    told = ran.stderr.decode()
    assert '"name": "tools/call memory_remember"' in told
    assert '"service.name": "desk"' in told


def test_an_exporter_that_is_not_there_is_said_at_start(tmp_path: Path) -> None:
    ran = run_server(tmp_path, OTEL_TRACES_EXPORTER="carrier-pigeon")
    assert ran.returncode == 78
    assert b"OTEL_TRACES_EXPORTER=carrier-pigeon: no such exporter is installed" in ran.stderr


def test_a_collector_that_is_not_there_holds_nothing_up(tmp_path: Path) -> None:
    ran = run_server(
        tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", OTEL_EXPORTER_OTLP_TIMEOUT="1"
    )
    assert ran.returncode == 0
    assert len(ran.stdout.splitlines()) == 2


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, False),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, False),
        ({"OTEL_TRACES_EXPORTER": "console"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, True),
        ({"OTEL_TRACES_EXPORTER": "console", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_SERVICE_NAME": "x"}, False),
    ],
)
def test_traces_are_made_where_there_is_somewhere_to_send_them(
    variables: dict[str, str], wanted: bool
) -> None:
    assert read_settings({"HOME": "/", **variables}).settings.traces is wanted
