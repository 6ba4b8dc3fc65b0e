"""rediss://: who answers is checked, and what goes wrong is told as what it is."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.redis.connection import RedisServer
from agent_memory.adapters.redis.ear import Ear
from agent_memory.adapters.redis.settings import RedisSettings
from agent_memory.ports.errors import Misconfigured, Unavailable
from agent_memory_contract.servers.redis import private_server
from agent_memory_contract.tcp_gate import TcpGate

from .postgres_tls import Certificates
from .redis_clients import SAFETY

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncGenerator, Iterator
    from pathlib import Path

    from agent_memory_contract.servers.redis_process import RedisProcess


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def process() -> Iterator[RedisProcess]:
    process = private_server()
    yield process
    process.kill()


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


class TlsGate(TcpGate):
    """TLS in front of a server that may speak none, from the first byte."""

    def __init__(self, process: RedisProcess, certificates: Certificates) -> None:
        super().__init__("127.0.0.1", process.port)
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(certificates.server)

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        try:
            await writer.start_tls(self._context)
        except OSError:
            return False  # the client did not like the certificate
        return True


@pytest.fixture
async def gate(process: RedisProcess, certificates: Certificates) -> AsyncGenerator[TlsGate]:
    async with TlsGate(process, certificates) as gate:
        yield gate


async def test_a_server_that_shows_the_right_certificate_is_spoken_to(
    gate: TlsGate, certificates: Certificates
) -> None:
    """By the URL and by the settings; channels too."""
    heard: list[bytes] = []
    for settings in (
        RedisSettings(url=f"rediss://localhost:{gate.port}?ssl_ca_certs={certificates.authority}"),
        RedisSettings(host="localhost", port=gate.port, tls=True, tls_root=str(certificates.authority)),
    ):
        async with RedisServer(settings) as server:
            ear = Ear(server, "news", on_message=heard.append, on_hearing=lambda: None)
            ear.start()
            assert await ear.until_hearing(SAFETY)
            assert await server.execute("PUBLISH", "news", "x") == 1
            await ear.close()


@pytest.mark.parametrize(
    "url", ["rediss://localhost:{port}", "rediss://127.0.0.1:{port}?ssl_ca_certs={authority}"]
)
async def test_who_answers_is_checked(gate: TlsGate, certificates: Certificates, url: str) -> None:
    """The authority and the name."""
    settings = RedisSettings(url=url.format(port=gate.port, authority=certificates.authority))
    async with RedisServer(settings) as server:
        with pytest.raises(Misconfigured, match="TLS failed"):
            await server.execute("PING")


async def test_who_answers_is_not_checked_where_nobody_wants_to_know(gate: TlsGate) -> None:
    async with RedisServer(RedisSettings(url=f"rediss://localhost:{gate.port}?ssl_cert_reqs=none")) as server:
        assert await server.execute("PING") == b"PONG"


@pytest.mark.parametrize("by_url", [True, False])
async def test_a_server_that_speaks_no_tls_is_asked_about_it(process: RedisProcess, by_url: bool) -> None:
    """It waits for the end of what it takes for a command."""
    settings = (
        RedisSettings(url=f"rediss://127.0.0.1:{process.port}", connect_timeout=0.3)
        if by_url
        else RedisSettings(host="127.0.0.1", port=process.port, tls=True, connect_timeout=0.3)
    )
    async with RedisServer(settings) as server:
        for _ in range(2):
            with pytest.raises(Unavailable, match="Does it speak TLS"):
                await server.execute("PING", retries=0)


def test_a_file_of_authorities_that_cannot_be_read_is_refused_at_the_start(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()
    for path in (tmp_path / "nope.pem", empty):
        with pytest.raises(Misconfigured, match="ssl_ca_certs"):
            RedisServer(RedisSettings(url=f"rediss://localhost?ssl_ca_certs={path}"))
