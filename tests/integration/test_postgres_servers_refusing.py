"""What keeps the program from its PostgreSQL is told in one line that says what to do."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent_memory_contract.servers.free_port import free_port
from agent_memory_contract.servers.postgres import SOURCES, administer, fresh_database

from .postgres_shape import environment_of, run_program
from .postgres_tls import Certificates, TlsGate

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from agent_memory.adapters.postgres.config import PostgresSettings

MISCONFIGURED, TRY_AGAIN = 78, 3


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=SOURCES)
async def server(request: pytest.FixtureRequest) -> AsyncGenerator[PostgresSettings]:
    async with fresh_database(request.param) as settings:
        yield settings


@asynccontextmanager
async def login(server: PostgresSettings, *grants: str) -> AsyncGenerator[PostgresSettings]:
    """Someone with these rights and no others; `{}` in them stands for who."""
    name = f"test_{token_hex(6)}"
    await administer(server, f"CREATE ROLE {name} LOGIN PASSWORD '{name}'")
    try:
        for grant in grants:
            await administer(server, grant.format(name))
        yield msgspec.structs.replace(server, user=name, password=name)
    finally:
        await administer(
            server, f"REASSIGN OWNED BY {name} TO CURRENT_USER; DROP OWNED BY {name}; DROP ROLE {name}"
        )


async def refusal(server: PostgresSettings, code: int, **settings: str) -> str:
    run = await run_program(environment_of(server, **settings), "health")
    assert (run.code, run.output) == (code, ""), run.errors
    assert run.errors.startswith("agent-memory: ")
    assert run.errors.count("\n") == 1
    assert server.password not in run.errors
    return run.errors


async def test_a_wrong_password(server: PostgresSettings) -> None:
    said = await refusal(server, MISCONFIGURED, PG_PASSWORD="mistyped")
    assert "AGENT_MEMORY_PG_PASSWORD" in said
    assert "mistyped" not in said


async def test_a_missing_database(server: PostgresSettings) -> None:
    said = await refusal(server, MISCONFIGURED, PG_DATABASE="nowhere")
    assert '"nowhere" does not exist' in said
    assert "AGENT_MEMORY_PG_DATABASE" in said


async def test_nobody_at_the_address(server: PostgresSettings) -> None:
    said = await refusal(server, TRY_AGAIN, PG_PORT=str(free_port()))
    assert "AGENT_MEMORY_PG_PORT" in said
    assert "unavailable" in said


async def test_a_host_that_does_not_exist(server: PostgresSettings) -> None:
    assert "AGENT_MEMORY_PG_HOST" in await refusal(server, TRY_AGAIN, PG_HOST="nowhere.invalid")


async def test_a_user_who_may_not_create_the_schema(server: PostgresSettings) -> None:
    async with login(server) as someone:
        assert "make it the owner of the database" in await refusal(someone, MISCONFIGURED)


async def test_a_user_who_may_not_use_the_tables(server: PostgresSettings) -> None:
    assert (await run_program(environment_of(server), "migrate")).code == 0
    async with login(server) as someone:
        assert "the user may not do this" in await refusal(someone, MISCONFIGURED)


async def test_no_right_to_install_pgvector_is_no_hindrance(server: PostgresSettings) -> None:
    """Without it answers are the same, and health says so."""
    async with login(server, f'GRANT CREATE ON DATABASE "{server.database}" TO {{}}') as someone:
        run = await run_program(environment_of(someone), "health", "--json")
    assert (run.code, run.errors) == (0, "")
    assert json.loads(run.output)["database"]["pgvector"] is False


async def test_tls_asked_of_a_server_that_has_none(server: PostgresSettings) -> None:
    said = await refusal(server, MISCONFIGURED, PG_SSL="true")
    assert "AGENT_MEMORY_PG_SSL=disable" in said


@pytest.mark.parametrize(
    ("host", "mode", "trusted"),
    [
        ("localhost", "verify-full", True),
        ("127.0.0.1", "verify-ca", True),
        ("127.0.0.1", "require", False),
    ],
)
async def test_tls_as_far_as_it_is_asked_for(
    server: PostgresSettings, host: str, mode: str, *, trusted: bool, tmp_path: Path
) -> None:
    certificates = Certificates(tmp_path)
    root = {"PG_SSL_ROOT": str(certificates.authority)} if trusted else {}
    async with TlsGate(server.host, server.port, certificates) as gate:
        settings = environment_of(server, PG_HOST=host, PG_PORT=str(gate.port), PG_SSL=mode, **root)
        run = await run_program(settings, "health")
        assert (run.code, run.errors) == (0, "")
        assert gate.encrypted > 0


@pytest.mark.parametrize(
    ("host", "mode", "trusted"),
    [
        ("localhost", "verify-full", False),
        ("127.0.0.1", "verify-full", True),
        ("127.0.0.1", "verify-ca", False),
    ],
)
async def test_tls_with_a_certificate_that_proves_nothing(
    server: PostgresSettings, host: str, mode: str, *, trusted: bool, tmp_path: Path
) -> None:
    certificates = Certificates(tmp_path)
    root = {"PG_SSL_ROOT": str(certificates.authority)} if trusted else {}
    async with TlsGate(server.host, server.port, certificates) as gate:
        said = await refusal(server, MISCONFIGURED, PG_HOST=host, PG_PORT=str(gate.port), PG_SSL=mode, **root)
    assert "TLS failed" in said
    assert "AGENT_MEMORY_PG_SSL" in said
