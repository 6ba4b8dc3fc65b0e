"""The settings of the query cache."""

from __future__ import annotations

import pytest

from agent_memory.entrypoints.settings import Settings, read_settings
from agent_memory.ports.errors import Misconfigured


def read(**given: str) -> Settings:
    environment = {f"AGENT_MEMORY_{name}": value for name, value in given.items()}
    reading = read_settings({"HOME": "/home/ada", **environment})
    assert reading.warnings == ()
    return reading.settings


def figures(settings: Settings) -> tuple[float, ...]:
    return (
        settings.query_cache_size,
        settings.query_cache_memory_mb,
        settings.query_cache_ttl,
        settings.scope_cache_ttl,
        settings.cache_limit_mb,
    )


def test_defaults_are_those_that_users_know() -> None:
    assert figures(read()) == (1000, 200, 300.0, 600.0, 512)


def test_every_name_arrives_in_its_field() -> None:
    given = read(
        QUERY_CACHE_SIZE="0",
        QUERY_CACHE_MEMORY_MB="7",
        QUERY_CACHE_TTL_MS="1500",
        SCOPE_CACHE_TTL_MS="250",
        CACHE_LIMIT_MB="3",
    )
    assert figures(given) == (0, 7, 1.5, 0.25, 3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("QUERY_CACHE_SIZE", "-1"),
        ("QUERY_CACHE_MEMORY_MB", "0"),
        ("QUERY_CACHE_TTL_MS", "0"),
        ("SCOPE_CACHE_TTL_MS", "soon"),
        ("CACHE_LIMIT_MB", "1.5"),
    ],
)
def test_a_value_that_cannot_be_meant_is_named(name: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=f"AGENT_MEMORY_{name}='{value}': must be a whole number"):
        read(**{name: value})
