"""The settings that choose an adapter."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from agent_memory.entrypoints import cli
from agent_memory.entrypoints.settings import Reading, read_settings, secrets_of
from agent_memory.entrypoints.settings_adapters import chooses
from agent_memory.entrypoints.settings_limits import limits_are_on
from agent_memory.ports.errors import Misconfigured

from ..wiring.packages import on_the_path, package

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("CACHE", "LOCK", "EVENT_BUS", "RATE_LIMITER", "CIRCUIT_BREAKER")


def read(**given: str) -> Reading:
    return read_settings(
        {"HOME": "/home/ada", **{f"AGENT_MEMORY_{name}": value for name, value in given.items()}}
    )


def test_by_default_nothing_is_chosen() -> None:
    settings = read().settings
    assert (settings.db_type, settings.storage) == ("sqlite", "sqlite")
    assert not chooses(settings)
    assert not chooses(read(DB_TYPE="postgresql").settings)


def test_without_a_choice_entry_points_are_not_even_loaded(tmp_path: Path) -> None:
    program = (
        "import sys; from agent_memory.entrypoints.settings import read_settings; "
        "import agent_memory.entrypoints.wiring; read_settings({'HOME': '/h'}); "
        "sys.exit('importlib.metadata' in sys.modules or 'agent_memory.entrypoints.registry' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=False).returncode == 0


@pytest.mark.parametrize("name", NAMES)
def test_each_port_takes_a_name_or_an_address(name: str) -> None:
    for value in ("in-process", "In-Process", "in-process://"):
        settings = read(**{name: value}).settings
        assert getattr(settings, name.lower()).partition("://")[0] == "in-process"
        assert chooses(settings)


def test_a_blob_store_is_chosen_as_well() -> None:
    settings = read(BLOB_STORE="folder:///srv/exports").settings
    assert settings.blob_store == "folder:///srv/exports"
    assert chooses(settings)


@pytest.mark.parametrize("name", [*NAMES, "STORAGE", "DB_TYPE", "EMBEDDER", "BLOB_STORE"])
def test_an_unknown_one_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(Misconfigured, match=rf"AGENT_MEMORY_{name}='nix': must be one of .*, or an address"):
        read(**{name: "nix"})
    with pytest.raises(Misconfigured) as caught:
        read(**{name: "nix://ada:geheim@host"})
    assert "geheim" not in str(caught.value)


def test_a_near_miss_is_told_what_may_be_meant() -> None:
    with pytest.raises(Misconfigured, match=r"\(did you mean sqlite\?\)"):
        read(LOCK="sqlit")


def test_storage_is_another_name_of_db_type() -> None:
    settings = read(STORAGE="postgresql").settings
    assert (settings.db_type, settings.storage) == ("postgresql", "postgresql")
    with pytest.raises(Misconfigured, match="differ"):
        read(STORAGE="postgresql", DB_TYPE="sqlite")


def test_an_address_of_our_own_storages_is_told_by_their_settings() -> None:
    settings = read(STORAGE="postgresql://ada:p%40ss@db.example:5433/notes", PG_POOL_MAX="3").settings
    assert (settings.pg_host, settings.pg_port, settings.pg_database) == ("db.example", 5433, "notes")
    assert (settings.pg_user, settings.pg_password, settings.pg_pool_max) == ("ada", "p@ss", 3)
    assert str(read(STORAGE="sqlite:///srv/my%20notes.db").settings.db_path) == "/srv/my notes.db"
    for wrong in ("sqlite://host/file", "sqlite:///file?mode=ro", "postgresql://h/d?sslmode=require"):
        with pytest.raises(Misconfigured, match="must be like"):
            read(STORAGE=wrong)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("redis://ada:geheim@host/1", "redis://ada:(hidden)@host/1"),
        ("redis://host/1?db=2&access_token=geheim", "redis://host/1?db=2&access_token=(hidden)"),
        ("redis://host/1?Password=geheim&db=2", "redis://host/1?Password=(hidden)&db=2"),
    ],
)
def test_a_secret_in_an_address_is_shown_nowhere(
    address: str, shown: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AGENT_MEMORY_LOCK", address)
    assert "geheim" in secrets_of(read(LOCK=address).settings)
    for arguments in (["config"], ["config", "--json"], ["config", "--client", "vscode"]):
        assert cli.main(arguments) == 0
        told = capsys.readouterr()
        assert "geheim" not in told.out + told.err
        assert (shown in told.out) is (arguments[-1] != "vscode")
    assert "AGENT_MEMORY_LOCK is a secret" in told.err


def test_choosing_who_counts_switches_limits_on() -> None:
    assert limits_are_on(read(RATE_LIMITER="in-process").settings)
    assert not limits_are_on(read(RATE_LIMITER="in-process", RATE_LIMIT="0").settings)


def test_adapters_are_listed_by_port(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["adapters", "lock", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["port"] for row in rows} == {"lock"}
    sqlite = next(row for row in rows if row["name"] == "sqlite")
    assert sqlite["capabilities"] == {"name": "sqlite", "durable": True, "shared": "host"}
    assert (sqlite["package"], sqlite["contract"], sqlite["importable"]) == ("agent-memory", 1, True)
    assert cli.main(["adapters"]) == 0
    assert "durable yes, shared host" in capsys.readouterr().out


def test_one_that_cannot_be_chosen_is_listed_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """So is a group that belongs to no port: whoever misspelt it looks for their adapter in vain."""
    on_the_path(tmp_path, monkeypatch)
    source = "from agent_memory.entrypoints.builtin import INPROCESS_LOCK as LOCK"
    groups = {
        "agent_memory.lock": {"sqlite": "odd_locks:LOCK", "Acme": "odd_locks:LOCK"},
        "agent_memory.lcok": {"acme": "odd_locks:LOCK"},
    }
    package(tmp_path, "odd_locks", groups, source)
    assert cli.main(["adapters", "lock", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    problems = {row["name"]: row["problem"] for row in rows if not row["importable"]}
    assert "is claimed by agent-memory and odd_locks" in problems["sqlite"]
    assert "cannot be chosen by that name" in problems["Acme"]
    assert cli.main(["adapters", "lock"]) == 0
    told = capsys.readouterr()
    assert (
        "no port has the entry-point group agent_memory.lcok of odd_locks (did you mean agent_memory.lock?)"
        in told.err
    )
