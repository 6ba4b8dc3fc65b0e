"""The settings of the Redis shape."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.redis.settings import RedisSettings
from agent_memory.entrypoints.settings import read_settings
from agent_memory.entrypoints.settings_redis import redis_settings
from agent_memory.ports.errors import Misconfigured

if TYPE_CHECKING:
    from pathlib import Path


def read(**given: str) -> RedisSettings:
    environment = {f"AGENT_MEMORY_{name}": value for name, value in given.items()}
    reading = read_settings({"HOME": "/home/ada", "AGENT_MEMORY_REDIS_ENABLED": "true", **environment})
    assert reading.warnings == ()
    assert reading.settings.redis_enabled
    return redis_settings(reading.settings)


def test_defaults_are_those_that_users_know() -> None:
    assert read() == RedisSettings(
        url="",
        host="localhost",
        port=6379,
        password="",
        db=0,
        tls=False,
        key_prefix="agentmem:",
        event_channel="agentmem:events",
        connect_timeout=10.0,
        max_retries=3,
        lock_ttl=300.0,
        lock_retry_count=3,
        lock_retry_delay=0.2,
        cache_ttl=3600.0,
    )


def test_every_name_arrives_in_its_field() -> None:
    assert read(
        REDIS_URL="redis://:secret@cache.example.com:7000/3",
        REDIS_HOST="other",
        REDIS_PORT="6380",
        REDIS_PASSWORD="s3cret",
        REDIS_DB="2",
        REDIS_TLS="true",
        REDIS_KEY_PREFIX="team7:",
        REDIS_CACHE_TTL_MS="1000",
        REDIS_LOCK_TTL_MS="60000",
        REDIS_LOCK_RETRY_COUNT="0",
        REDIS_LOCK_RETRY_DELAY_MS="50",
        REDIS_EVENT_CHANNEL="team7:events",
        REDIS_CONNECT_TIMEOUT_MS="250",
        REDIS_MAX_RETRIES="1",
    ) == RedisSettings(
        url="redis://:secret@cache.example.com:7000/3",
        host="other",
        port=6380,
        password="s3cret",
        db=2,
        tls=True,
        key_prefix="team7:",
        event_channel="team7:events",
        connect_timeout=0.25,
        max_retries=1,
        lock_ttl=60.0,
        lock_retry_count=0,
        lock_retry_delay=0.05,
        cache_ttl=1.0,
    )


@pytest.mark.parametrize(
    ("given", "prefix"),
    [("teamB", "teamB:"), ("team7:", "team7:"), ("team2", "team2:"), ("a/", "a/"), ("x_", "x_")],
)
def test_a_prefix_that_ends_as_a_word_gets_its_colon(given: str, prefix: str) -> None:
    assert read(REDIS_KEY_PREFIX=given).key_prefix == prefix


@pytest.mark.parametrize(
    ("word", "on"), [("true", True), ("1", True), ("Yes", True), ("false", False), ("0", False)]
)
def test_it_is_enabled_by_the_usual_words(word: str, on: bool) -> None:
    environment = {"HOME": "/home/ada", "AGENT_MEMORY_REDIS_ENABLED": word}
    assert read_settings(environment).settings.redis_enabled is on
    assert not read_settings({"HOME": "/home/ada"}).settings.redis_enabled


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("REDIS_ENABLED", "perhaps", "true, false, 1, 0"),
        ("REDIS_PORT", "70000", "a whole number, 1 to 65535"),
        ("REDIS_DB", "-1", "a whole number, 0 to"),
        ("REDIS_KEY_PREFIX", "a*", "signs of patterns"),
        ("REDIS_CONNECT_TIMEOUT_MS", "0", "a whole number of milliseconds, 1 to"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name_with_what_is_allowed(
    name: str, value: str, allowed: str
) -> None:
    with pytest.raises(Misconfigured) as refusal:
        read(**{name: value})
    assert f"AGENT_MEMORY_{name}={value!r}" in str(refusal.value)
    assert allowed in str(refusal.value)


def run(tmp_path: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """`agent-memory`, where the driver is not installed."""
    program = (
        "import sys; sys.modules['redis'] = None\n"
        f"from agent_memory.entrypoints.cli import main; sys.exit(main({list(arguments)!r}))"
    )
    environment = {"AGENT_MEMORY_DATA_DIR": str(tmp_path), "HOME": str(tmp_path)}
    environment |= {f"AGENT_MEMORY_{name}": value for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )


def test_without_the_driver_the_error_says_how_to_get_it(tmp_path: Path) -> None:
    done = run(tmp_path, "remember", "x", REDIS_ENABLED="true")
    assert done.returncode == 78
    assert done.stderr == (
        "agent-memory: misconfigured: AGENT_MEMORY_REDIS_ENABLED=true needs the driver redis: "
        "pip install 'agent-memory[redis]'\n"
    )


def test_the_other_shapes_need_no_driver(tmp_path: Path) -> None:
    done = run(tmp_path, "remember", "x")
    assert (done.returncode, done.stderr) == (0, "")


def test_no_secret_is_shown(tmp_path: Path) -> None:
    secrets = {"REDIS_URL": "redis://:hidden-one@h/0", "REDIS_PASSWORD": "hidden-two"}
    for arguments in (["config"], ["config", "--json"], ["config", "--client", "vscode"]):
        done = run(tmp_path, *arguments, **secrets)
        assert done.returncode == 0
        assert "hidden-" not in done.stdout + done.stderr
    bad = run(tmp_path, "health", REDIS_ENABLED="true", REDIS_URL="nonsense://:hidden-one@h")
    assert bad.returncode != 0
    assert "hidden-" not in bad.stdout + bad.stderr
