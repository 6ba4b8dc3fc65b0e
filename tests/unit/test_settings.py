from datetime import UTC
from pathlib import Path

import pytest

from agent_memory.entrypoints.settings import PREFIX, read_settings
from agent_memory.entrypoints.zones import make_zones
from agent_memory.ports.errors import Misconfigured

HOME = {"HOME": "/home/someone"}


def test_defaults_keep_everything_in_the_data_folder() -> None:
    settings = read_settings(HOME).settings
    assert settings.db_path == Path("/home/someone/.local/share/agent-memory/memory.db")
    assert read_settings({**HOME, "XDG_DATA_HOME": "/data"}).settings.data_dir == Path("/data/agent-memory")
    assert read_settings({**HOME, PREFIX + "DATA_DIR": "/d"}).settings.db_path == Path("/d/memory.db")


@pytest.mark.parametrize("environment", [{}, {"HOME": ""}, {"HOME": "relative"}])
def test_without_a_usable_home_the_account_says_where_it_is(environment: dict[str, str]) -> None:
    assert read_settings(environment).settings.db_path.is_absolute()
    assert read_settings(environment).settings.db_path.parts[:2] != ("/", ".local")


@pytest.mark.parametrize("name", ["SCOPE", "ADMIN_KEY"])
@pytest.mark.parametrize("blank", ["", "  "])
def test_what_guards_is_refused_when_blank(name: str, blank: str) -> None:
    with pytest.raises(Misconfigured, match=f"{PREFIX}{name} is set but blank"):
        read_settings({**HOME, PREFIX + name: blank})


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("DB_PATH", ":memory:", "always kept in a file"),
        ("DB_PATH", "file:x?mode=memory", "always kept in a file"),
        ("DB_PATH", "~nobody-of-this-name/x.db", "home directory"),
        ("DB_TYPE", "oracle", "must be one of"),
        ("DB_BUSY_TIMEOUT_MS", "5s", "whole number of milliseconds"),
        ("DB_BUSY_TIMEOUT_MS", "-1", "whole number of milliseconds"),
        ("SCOPE", "a/../b", "segment '..'"),
        ("LOG_LEVEL", "loud", "must be one of debug"),
        ("AGENT_ID", "x" * 129, "at most 128"),
    ],
)
def test_a_value_that_cannot_be_meant_is_named_in_one_line(name: str, value: str, problem: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        read_settings({**HOME, PREFIX + name: value})
    assert str(caught.value).startswith(f"{PREFIX}{name}=")
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_misspelt_name_is_a_warning_with_the_nearest() -> None:
    (warning,) = read_settings({**HOME, PREFIX + "DB_PTH": "x"}).warnings
    assert "did you mean AGENT_MEMORY_DB_PATH?" in warning


@pytest.mark.parametrize(
    ("value", "zone"),
    [("", "UTC"), ("utc", "UTC"), ("Europe/Berlin", "Europe/Berlin"), ("local", "local")],
)
def test_the_zone_is_utc_unless_one_is_named(value: str, zone: str) -> None:
    assert read_settings({"HOME": "/home/ada", "AGENT_MEMORY_TIMEZONE": value}).settings.timezone == zone


@pytest.mark.parametrize("name", ["Mars/Base", "Europe", "../etc/passwd", "/etc/localtime", "CEST"])
def test_a_zone_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(Misconfigured, match=r"AGENT_MEMORY_TIMEZONE=.*Europe/Berlin"):
        read_settings({"HOME": "/home/ada", "AGENT_MEMORY_TIMEZONE": name})


def test_the_zone_of_the_system_goes_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", ":America/New_York")
    assert str(make_zones("local").local) == "America/New_York"
    monkeypatch.setenv("TZ", "nowhere")
    assert make_zones("local").local is UTC
