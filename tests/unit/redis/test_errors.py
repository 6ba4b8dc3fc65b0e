"""What the errors of server and driver mean at a port."""

from __future__ import annotations

import ssl

import pytest
from redis import exceptions as driver

from agent_memory.adapters.redis.errors import is_passing, is_refusal, port_error
from agent_memory.ports.errors import Misconfigured, PortError, Rejected, Unavailable

R = driver.ResponseError


def caused(error: Exception, cause: Exception) -> Exception:
    error.__context__ = cause
    return error


# What comes, what it means, whether the same a moment later may succeed, whether the server surely did nothing.
MEANINGS: list[tuple[Exception, type[PortError], bool, bool]] = [
    (driver.ConnectionError("Connection refused"), Unavailable, True, False),
    (driver.TimeoutError("Timeout reading"), Unavailable, True, False),
    (ConnectionResetError("reset"), Unavailable, True, False),
    (TimeoutError(), Unavailable, True, False),
    (driver.BusyLoadingError("Redis is loading the dataset in memory"), Unavailable, True, True),
    (driver.ReadOnlyError("You can't write against a read only replica."), Unavailable, True, True),
    (driver.MasterDownError("Link with MASTER is down"), Unavailable, True, True),
    (R("BUSY Redis is busy running a script."), Unavailable, True, True),
    (driver.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), Unavailable, False, True),
    (R("OOM command not allowed when used memory > 'maxmemory'. script: 1a"), Unavailable, False, True),
    (R("Error running script (call to f_1a): @user_script:9: -OOM command not allowed"), Unavailable, False, True),
    (R("NOREPLICAS Not enough good replicas to write."), Unavailable, False, True),
    (R("MISCONF Redis is configured to save RDB snapshots, but it's currently unable to"), Unavailable, False, True),
    (R("something new"), Unavailable, False, True),
    (driver.AuthenticationError("Authentication required."), Misconfigured, False, False),
    (driver.AuthenticationError("invalid username-password pair or user is disabled."), Misconfigured, False, False),
    (R("WRONGPASS invalid username-password pair"), Misconfigured, False, True),
    (R("NOAUTH Authentication required."), Misconfigured, False, True),
    (R("invalid password"), Misconfigured, False, True),
    (driver.NoPermissionError("User ada has no permissions to run the 'evalsha' command"), Misconfigured, False, True),
    (R("DB index is out of range"), Misconfigured, False, True),
    (R("unknown command 'HELLO'"), Misconfigured, False, True),
    (R("WRONGTYPE Operation against a key holding the wrong kind of value"), Misconfigured, False, True),
    (driver.MovedError("1 127.0.0.1:7001"), Misconfigured, False, True),
    (driver.DataError("Invalid input of type"), Rejected, False, False),
    (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"), Rejected, False, False),
    (ssl.SSLCertVerificationError("certificate verify failed"), Misconfigured, False, False),
    (caused(driver.ConnectionError("Error 1 connecting"), ssl.SSLError("bad")), Misconfigured, False, False),
    (caused(driver.ConnectionError("Error 8 connecting"), ssl.SSLEOFError("EOF")), Unavailable, True, False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "kind", "passing", "refusal"), MEANINGS, ids=[repr(row[0])[:70] for row in MEANINGS]
)
def test_each_error_has_its_meaning(
    error: Exception, kind: type[PortError], passing: bool, refusal: bool
) -> None:
    mapped = port_error(error, "redis h:6379/0")
    assert type(mapped) is kind
    assert str(mapped).startswith("redis h:6379/0: ")
    assert (is_passing(error), is_refusal(error)) == (passing, refusal)


def test_what_is_no_error_of_the_server_comes_back_as_it_is() -> None:
    for error in (ZeroDivisionError("bug"), TypeError("bug"), KeyError("bug")):
        assert port_error(error, "redis") is error
        assert not is_passing(error)


def test_the_text_stays_on_one_line() -> None:
    assert "second" not in str(port_error(R("first\nsecond"), "redis"))


def test_what_the_url_said_is_looked_for_in_the_url() -> None:
    for error, field in (
        (driver.AuthenticationError("invalid username-password pair"), "PASSWORD"),
        (R("NOAUTH Authentication required."), "PASSWORD"),
        (R("DB index is out of range"), "DB"),
        (ssl.SSLCertVerificationError("certificate verify failed"), "TLS"),
    ):
        assert f"AGENT_MEMORY_REDIS_{field}" in str(port_error(error, "redis"))
        by_url = str(port_error(error, "redis", by_url=True))
        assert "AGENT_MEMORY_REDIS_URL" in by_url
        assert f"AGENT_MEMORY_REDIS_{field}" not in by_url


def test_a_missing_password_is_told_in_few_words() -> None:
    said = "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH ..."
    assert str(port_error(R(said), "redis")) == (
        "redis: the server asks for a password: set AGENT_MEMORY_REDIS_PASSWORD"
    )
