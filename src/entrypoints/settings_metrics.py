"""The settings of what is measured, and of how it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from .setting import Setting, choice, flag, number, seconds_from_millis

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .settings import Settings

WORKER_PORT = 9464
"""OpenTelemetry's default for a program that Prometheus scrapes."""


def worker_metrics(settings: Settings) -> Settings:
    """A worker's: they listen unless they were told not to. To be asked before anything is opened with them."""
    if settings.metrics_port is None:
        return msgspec.structs.replace(settings, metrics_port=WORKER_PORT)
    return settings


def is_measured(settings: Settings) -> bool:
    """Whether anyone would see what was measured."""
    return bool(settings.metrics_port) or settings.perf or settings.traces


def wants_traces(environment: Mapping[str, str]) -> bool:
    """By OpenTelemetry's own variables: an exporter is named, or an endpoint to export to."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if exporter:
        return exporter != "none"
    names = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return any(environment.get(name, "").strip() for name in names)


METRICS_SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="METRICS_HOST",
        default="127.0.0.1",
        field="metrics_host",
        read=str,
        meaning="the address of /metrics, /healthz and /readyz; anyone who reaches it may read them",
    ),
    Setting(
        name="METRICS_PORT",
        default="",
        field="metrics_port",
        read=number(0, 65_535),
        meaning=f"their port, 0: none (default: {WORKER_PORT} for the worker, none for others)",
    ),
    Setting(
        name="METRICS_REFRESH_MS",
        default="5000",
        field="metrics_refresh",
        read=seconds_from_millis(100, 600_000),
        meaning="how often the figures are read for which the database or Redis must be asked",
    ),
    Setting(
        name="PERF",
        default="0",
        field="perf",
        read=flag,
        meaning="1: one line in the log for each call, with the times of its parts (LOG_LEVEL info or debug)",
    ),
    Setting(
        name="LOG_FORMAT",
        default="auto",
        field="log_format",
        read=choice("auto", "text", "json"),
        meaning="how lines are logged: text, json, or auto (text on a terminal, else json)",
    ),
)
