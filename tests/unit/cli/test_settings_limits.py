"""The settings of limits, breakers and file locks."""

from __future__ import annotations

import re

import pytest

from agent_memory.entrypoints.settings import Settings, read_settings
from agent_memory.entrypoints.settings_limits import breaker_thresholds, limits_are_on
from agent_memory.ports.circuit_breaker import Thresholds
from agent_memory.ports.errors import Misconfigured


def read(**given: str) -> Settings:
    environment = {f"AGENT_MEMORY_{name}": value for name, value in given.items()}
    reading = read_settings({"HOME": "/home/ada", **environment})
    assert reading.warnings == ()
    return reading.settings


def test_defaults_are_those_that_users_know() -> None:
    settings = read()
    assert (settings.rate_per_agent_max, settings.rate_per_agent_window) == (500, 60.0)
    assert (settings.rate_global_max, settings.rate_global_window) == (5000, 60.0)
    assert (settings.rate_burst_max, settings.rate_burst_window) == (50, 1.0)
    assert settings.rate_fail_mode == "local"
    assert breaker_thresholds(settings) == Thresholds(failures=5, reset_timeout=30.0, successes=2)


def test_every_name_arrives_in_its_field() -> None:
    settings = read(
        RATE_LIMIT_PER_AGENT_MAX="1",
        RATE_LIMIT_PER_AGENT_WINDOW_MS="2000",
        RATE_LIMIT_GLOBAL_MAX="3",
        RATE_LIMIT_GLOBAL_WINDOW_MS="4000",
        RATE_LIMIT_BURST_MAX="5",
        RATE_LIMIT_BURST_WINDOW_MS="6000",
        RATE_LIMIT_FAIL_MODE="Closed",
        CB_FAILURE_THRESHOLD="7",
        CB_RESET_TIMEOUT_MS="8000",
        CB_SUCCESS_THRESHOLD="9",
    )
    assert (settings.rate_per_agent_max, settings.rate_per_agent_window) == (1, 2.0)
    assert (settings.rate_global_max, settings.rate_global_window) == (3, 4.0)
    assert (settings.rate_burst_max, settings.rate_burst_window) == (5, 6.0)
    assert settings.rate_fail_mode == "closed"
    assert breaker_thresholds(settings) == Thresholds(failures=7, reset_timeout=8.0, successes=9)


@pytest.mark.parametrize(
    ("settings", "on"),
    [
        ({}, False),
        ({"DB_TYPE": "postgresql"}, True),
        ({"REDIS_ENABLED": "true"}, True),
        ({"RATE_LIMIT": "1"}, True),
        ({"RATE_LIMIT": "True"}, True),
        ({"RATE_LIMIT": "0", "DB_TYPE": "postgresql", "REDIS_ENABLED": "true"}, False),
        ({"RATE_LIMIT": "false", "DB_TYPE": "postgresql"}, False),
        ({"RATE_LIMIT": "off", "DB_TYPE": "postgresql"}, False),
    ],
)
def test_limits_are_on_where_a_store_is_shared_unless_told_otherwise(
    settings: dict[str, str], on: bool
) -> None:
    assert limits_are_on(read(**settings)) is on


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({}, 300.0),
        ({"REDIS_LOCK_TTL_MS": "60000"}, 60.0),
        ({"FILE_LOCK_TTL_MS": "90000"}, 90.0),
        ({"FILE_LOCK_TTL_MS": "90000", "REDIS_LOCK_TTL_MS": "60000"}, 90.0),
    ],
)
def test_a_file_lock_lasts_as_the_nearest_setting_says(given: dict[str, str], seconds: float) -> None:
    assert read(**given).file_lock_ttl == seconds


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("RATE_LIMIT", "2", "auto, on, off"),
        ("RATE_LIMIT_PER_AGENT_MAX", "0", "a whole number, 1 to"),
        ("RATE_LIMIT_BURST_WINDOW_MS", "0", "a whole number of milliseconds, 1 to"),
        ("RATE_LIMIT_FAIL_MODE", "shut", "local, closed, open"),
        ("CB_FAILURE_THRESHOLD", "-1", "a whole number, 1 to"),
        ("FILE_LOCK_TTL_MS", "10", "a whole number of milliseconds, 1000 to"),
        ("REDIS_LOCK_TTL_MS", "5", "must be a whole number of milliseconds, 1000 to"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name_with_what_is_allowed(
    name: str, value: str, allowed: str
) -> None:
    with pytest.raises(Misconfigured) as refusal:
        read(**{name: value})
    assert re.search(f"AGENT_MEMORY_{name}='?{value}'?: ", str(refusal.value))
    assert allowed in str(refusal.value)
