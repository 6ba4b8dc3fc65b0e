"""One name for one memory, whoever works it out; and where its daemon is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from agent_memory.entrypoints.daemon.address import data_folder, database_of, sockets_of
from agent_memory.entrypoints.settings import PREFIX, read_settings

if TYPE_CHECKING:
    from pathlib import Path

PLACES: list[dict[str, str]] = [
    {"HOME": "/home/someone"},
    {"HOME": "/home/someone/"},
    {},
    {"HOME": "relative"},
    {"HOME": "/home/someone", "XDG_DATA_HOME": "/data"},
    {"HOME": "/home/someone", "XDG_DATA_HOME": "not/absolute"},
    {"HOME": "/h", PREFIX + "DATA_DIR": "/elsewhere"},
    {"HOME": "/h", PREFIX + "DATA_DIR": "  "},
    {"HOME": "/h", PREFIX + "DATA_DIR": "~/memories"},
    {"HOME": "/h", PREFIX + "DB_PATH": "relative.db"},
    {"HOME": "/h", PREFIX + "DB_PATH": "/x/../y/memory.db"},
    {"HOME": "/h", PREFIX + "DB_TYPE": "sqlite", PREFIX + "DATA_DIR": "/d", PREFIX + "DB_PATH": "/p/m.db"},
]


@pytest.mark.parametrize("environment", PLACES, ids=str)
def test_a_client_and_the_settings_agree_on_where_memory_is(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", environment.get("HOME", "/h"))
    settings = read_settings(environment).settings
    assert data_folder(environment) == str(settings.data_dir)
    assert database_of(environment) == f"sqlite:{os.path.realpath(settings.db_path)}"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"PG_HOST": "db", "PG_PORT": "6432", "PG_DATABASE": "team", "PG_USER": "ada"},
        {"PG_HOST": " db "},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["postgresql", "postgres", "PostgreSQL"])
def test_a_client_and_the_settings_agree_on_the_server(kind: str, given: dict[str, str]) -> None:
    environment = {"HOME": "/h", PREFIX + "DB_TYPE": kind, **{PREFIX + name: v for name, v in given.items()}}
    settings = read_settings(environment).settings
    place = f"{settings.pg_user}@{settings.pg_host}:{settings.pg_port}/{settings.pg_database}"
    assert database_of(environment) == f"postgresql://{place}"


@pytest.mark.parametrize(
    "place", ["ada@db:6432/team", "ada:hunter2@DB:6432/team", "db", ":6432", "db/te%20am", "%C3%A9va@db"]
)
def test_a_client_and_the_settings_agree_on_an_address_of_the_server(place: str) -> None:
    environment = {"HOME": "/h", PREFIX + "STORAGE": f"postgresql://{place}", PREFIX + "PG_USER": "bob"}
    settings = read_settings(environment).settings
    found = f"{settings.pg_user}@{settings.pg_host}:{settings.pg_port}/{settings.pg_database}"
    assert database_of(environment) == f"postgresql://{found}"


@pytest.mark.parametrize("place", ["/srv/memory.db", "/srv/my%20memory.db", ""])
def test_a_client_and_the_settings_agree_on_an_address_of_a_file(place: str) -> None:
    environment = {"HOME": "/h", PREFIX + "STORAGE": f"sqlite://{place}" if place else "sqlite"}
    settings = read_settings(environment).settings
    assert database_of(environment) == f"sqlite:{os.path.realpath(settings.db_path)}"


def test_an_adapter_that_is_chosen_makes_another_memory() -> None:
    """Of the same one the address counts, and not who logs in."""
    given = (
        {"STORAGE": "acme"},
        {"STORAGE": "acme://h/a"},
        {"STORAGE": "acme://h/b"},
        {"STORAGE": "acme", "DATA_DIR": "/d"},
        {"LOCK": "acme"},
        {"LOCK": "acme://h"},
        {"CACHE": "acme"},
    )
    names = {
        database_of({"HOME": "/h", **{PREFIX + name: value for name, value in each.items()}})
        for each in given
    }
    assert len(names) == len(given)
    with_login = {"HOME": "/h", PREFIX + "STORAGE": "ACME://ada:hunter2@h/a"}
    assert database_of(with_login) in names
    assert database_of({"HOME": "/h", PREFIX + "DB_TYPE": "acme"}) in names


def test_a_link_to_a_file_is_the_file(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    by_link = database_of({PREFIX + "DB_PATH": str(tmp_path / "link" / "m.db")})
    assert by_link == database_of({PREFIX + "DB_PATH": str(tmp_path / "real" / "m.db")})


def test_the_same_store_with_another_coordination_is_another_memory() -> None:
    names = {
        database_of({"HOME": "/h", **{PREFIX + name: value for name, value in given.items()}})
        for given in (
            {},
            {"REDIS_ENABLED": "true"},
            {"REDIS_ENABLED": "true", "REDIS_HOST": "r"},
            {"REDIS_ENABLED": "true", "REDIS_DB": "1"},
            {"REDIS_ENABLED": "true", "REDIS_KEY_PREFIX": "x:"},
            {"REDIS_ENABLED": "true", "REDIS_URL": "redis://r:1/2"},
        )
    }
    assert len(names) == 6
    off = {"HOME": "/h", PREFIX + "REDIS_ENABLED": "false", PREFIX + "REDIS_HOST": "r"}
    assert database_of(off) in names


def test_no_secret_is_in_the_name() -> None:
    name = database_of(
        {
            PREFIX + "DB_TYPE": "postgresql",
            PREFIX + "PG_PASSWORD": "hunter2",
            PREFIX + "REDIS_ENABLED": "1",
            PREFIX + "REDIS_URL": "redis://user:hunter2@r:1/2",
            PREFIX + "REDIS_PASSWORD": "hunter2",
        }
    )
    assert "hunter2" not in name


def test_a_socket_is_looked_for_by_the_memorys_own_name_then_by_that_of_a_unit() -> None:
    found = sockets_of({"XDG_RUNTIME_DIR": "/run/user/1000", "HOME": "/home/a"}, "sqlite:/x")
    own = found[0].rpartition("/")[2]
    assert own.startswith("agent-memory-")
    assert found == (
        f"/run/user/1000/agent-memory/{own}",
        "/run/user/1000/agent-memory/agent-memory.sock",
        f"/home/a/.local/share/agent-memory/{own}",
        "/home/a/.local/share/agent-memory/agent-memory.sock",
        f"/run/agent-memory/{own}",
        "/run/agent-memory/agent-memory.sock",
    )
    assert sockets_of({"HOME": "/home/a"}, "sqlite:/y")[0].rpartition("/")[2] != own


def test_a_service_listens_in_the_folder_that_its_manager_made() -> None:
    environment = {
        "RUNTIME_DIRECTORY": "/run/user/1/agent-memory:/run/other",
        "XDG_RUNTIME_DIR": "/run/user/1",
    }
    assert sockets_of(environment, "x")[0].startswith("/run/user/1/agent-memory/agent-memory-")


def test_what_is_told_is_the_only_place() -> None:
    assert sockets_of({PREFIX + "SOCKET": "/s/d.sock", "HOME": "/h"}, "x") == ("/s/d.sock",)
    found = sockets_of({PREFIX + "RUNTIME_DIR": "/r", "HOME": "/h"}, "x")
    assert {path.rpartition("/")[0] for path in found} == {"/r"}
