"""The settings of the PostgreSQL shape."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.postgres.config import PostgresSettings
from agent_memory.entrypoints.settings import read_settings
from agent_memory.entrypoints.settings_postgres import postgres_settings
from agent_memory.ports.errors import Misconfigured

if TYPE_CHECKING:
    from pathlib import Path


def read(**given: str) -> PostgresSettings:
    environment = {f"AGENT_MEMORY_{name}": value for name, value in given.items()}
    reading = read_settings({"HOME": "/home/ada", "AGENT_MEMORY_DB_TYPE": "postgresql", **environment})
    assert reading.warnings == ()
    return postgres_settings(reading.settings)


def test_defaults_are_those_that_users_know() -> None:
    assert read() == PostgresSettings(
        host="localhost",
        port=5432,
        database="agent_memory",
        user="agent_memory",
        password="",
        ssl="disable",
        ssl_root="",
        pool_min=2,
        pool_max=10,
        idle_timeout=30.0,
        connection_timeout=10.0,
        statement_timeout=30.0,
    )


def test_every_name_arrives_in_its_field(tmp_path: Path) -> None:
    root = tmp_path / "root.pem"
    root.touch()
    assert read(
        PG_HOST="db.example.com",
        PG_PORT="6432",
        PG_DATABASE="memory",
        PG_USER="ada",
        PG_PASSWORD="s'3 cret",
        PG_SSL="verify-ca",
        PG_SSL_ROOT=str(root),
        PG_POOL_MIN="0",
        PG_POOL_MAX="20",
        PG_IDLE_TIMEOUT_MS="1500",
        PG_CONNECTION_TIMEOUT_MS="250",
        PG_STATEMENT_TIMEOUT_MS="0",
    ) == PostgresSettings(
        host="db.example.com",
        port=6432,
        database="memory",
        user="ada",
        password="s'3 cret",
        ssl="verify-ca",
        ssl_root=str(root),
        pool_min=0,
        pool_max=20,
        idle_timeout=1.5,
        connection_timeout=0.25,
        statement_timeout=0.0,
    )


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1", "/var/run/postgresql"])
def test_on_this_machine_tls_is_off_unless_asked_for(host: str) -> None:
    assert read(PG_HOST=host).ssl == "disable"
    assert read(PG_HOST=host, PG_SSL="true").ssl == "verify-full"


@pytest.mark.parametrize("host", ["db", "10.0.0.1", "localhost.example.com", "1270.example.com"])
def test_over_a_network_the_server_is_verified_unless_told_otherwise(host: str) -> None:
    assert read(PG_HOST=host).ssl == "verify-full"
    assert read(PG_HOST=host, PG_SSL="require").ssl == "require"


@pytest.mark.parametrize(
    ("word", "mode"),
    [("true", "verify-full"), ("False", "disable"), ("DISABLE", "disable"), ("verify-ca", "verify-ca")],
)
def test_tls_takes_modes_and_the_words_of_former_programs(word: str, mode: str) -> None:
    assert read(PG_SSL=word, PG_HOST="db").ssl == mode


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("PG_SSL", "prefer", "auto, disable, require, verify-ca, verify-full, true, false"),
        ("PG_PORT", "0", "a whole number, 1 to 65535"),
        ("PG_POOL_MAX", "ten", "a whole number, 1 to 1000"),
        ("PG_POOL_MIN", "-1", "a whole number, 0 to 1000"),
        ("PG_CONNECTION_TIMEOUT_MS", "0", "a whole number of milliseconds, 1 to"),
        ("PG_SSL_ROOT", "/no/such/file.pem", "no such file"),
        ("DB_TYPE", "mysql", "sqlite, postgresql"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name_with_what_is_allowed(
    name: str, value: str, allowed: str
) -> None:
    with pytest.raises(Misconfigured) as refusal:
        read(**{name: value})
    assert f"AGENT_MEMORY_{name}={value!r}" in str(refusal.value)
    assert allowed in str(refusal.value)


def test_a_name_that_no_file_can_have_is_refused_as_a_setting() -> None:
    with pytest.raises(Misconfigured, match=r"AGENT_MEMORY_PG_SSL_ROOT=.*too long"):
        read(PG_SSL_ROOT="/" + "x" * 300)


def test_without_the_driver_the_error_says_how_to_get_it() -> None:
    without = (
        "import sys; sys.modules['asyncpg'] = None\n"
        "from agent_memory.entrypoints.cli import main; sys.exit(main(['remember', 'x']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", without],
        env={"AGENT_MEMORY_DB_TYPE": "postgresql", "HOME": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 78
    assert done.stderr == (
        "agent-memory: misconfigured: AGENT_MEMORY_DB_TYPE=postgresql needs the driver asyncpg: "
        "pip install 'agent-memory[postgres]'\n"
    )


def test_the_other_shape_never_loads_the_driver(tmp_path: Path) -> None:
    look = (
        "import sys; from agent_memory.entrypoints.cli import main; main(['remember', 'x'])\n"
        "sys.exit('asyncpg' in sys.modules)"
    )
    environment = {"AGENT_MEMORY_DATA_DIR": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", look], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
