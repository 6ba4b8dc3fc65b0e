"""The settings of what is measured."""

from __future__ import annotations

import pytest

from agent_memory.entrypoints.settings import read_settings, secrets_of
from agent_memory.entrypoints.settings_metrics import is_measured
from agent_memory.ports.errors import Misconfigured


def read(**settings: str) -> dict[str, str]:
    return {"HOME": "/"} | {f"AGENT_MEMORY_{name}": value for name, value in settings.items()}


def test_nothing_is_measured_by_default() -> None:
    settings = read_settings(read()).settings
    assert settings.metrics_port is None
    assert (settings.metrics_host, settings.perf, settings.traces) == ("127.0.0.1", False, False)
    assert not is_measured(settings)


@pytest.mark.parametrize(
    ("environment", "measured"),
    [
        (read(METRICS_PORT="9464"), True),
        (read(METRICS_PORT="0"), False),
        (read(METRICS_HOST="0.0.0.0"), False),
        (read(PERF="1"), True),
        (read(PERF="0"), False),
        (read() | {"OTEL_TRACES_EXPORTER": "otlp"}, True),
    ],
)
def test_what_somebody_would_see_is_measured(environment: dict[str, str], measured: bool) -> None:
    assert is_measured(read_settings(environment).settings) is measured


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("METRICS_PORT", "70000", "0 to 65535"),
        ("METRICS_PORT", "http", "0 to 65535"),
        ("METRICS_REFRESH_MS", "10", "100 to 600000"),
        ("PERF", "maybe", "true, false"),
        ("LOG_FORMAT", "xml", "auto, text, json"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_with_what_can(name: str, value: str, allowed: str) -> None:
    with pytest.raises(Misconfigured, match=f"AGENT_MEMORY_{name}='{value}': must be .*{allowed}"):
        read_settings(read(**{name: value}))


def test_the_secrets_are_those_that_are_set_and_the_passwords_within_them() -> None:
    settings = read_settings(read(PG_PASSWORD="open sesame", REDIS_URL="rediss://app:hush@host:1/0")).settings
    assert set(secrets_of(settings)) == {"open sesame", "rediss://app:hush@host:1/0", "hush"}
    escaped = read_settings(read(REDIS_URL="redis://:a%2Fb%20c@host")).settings
    assert {"a%2Fb%20c", "a/b c"} < set(secrets_of(escaped))
    assert secrets_of(read_settings(read()).settings) == ()
