"""Every error of server and driver, as what it means at a port."""

from __future__ import annotations

import re
import ssl

from redis import exceptions as driver

from ...ports.errors import Misconfigured, PortError, Rejected, Unavailable


class InDoubt(Unavailable):
    """The answer was lost: it may have been done."""


# The first word of what a server refuses with. An error inside of a script may carry it further on.
_REFUSALS: dict[str, tuple[type[PortError], str]] = {
    "BUSY": (Unavailable, "a script runs for too long there"),
    "LOADING": (Unavailable, "the server is loading its data"),
    "MASTERDOWN": (Unavailable, "the server is a replica that lost its primary"),
    "MISCONF": (Unavailable, "the server takes no writes, since it cannot save (its disk is full?)"),
    "NOREPLICAS": (Unavailable, "the server has too few replicas to take writes"),
    "OOM": (Unavailable, "the server's memory is full: new locks are refused; raise its maxmemory"),
    "READONLY": (Unavailable, "the server is a replica: connect to the primary, or by redis+sentinel://"),
    "UNKILLABLE": (Unavailable, "a script runs for too long there"),
    "TRYAGAIN": (Unavailable, "the server is being changed"),
    "NOAUTH": (Misconfigured, "the server asks for a password: set AGENT_MEMORY_REDIS_PASSWORD"),
    "WRONGPASS": (Misconfigured, "the server refused the login: check AGENT_MEMORY_REDIS_PASSWORD"),
    "NOPERM": (Misconfigured, "the user may not do this: its ACL needs the keys and channels of ours, and scripts"),
    "CROSSSLOT": (Misconfigured, "Redis Cluster is not supported: name a single server or sentinels"),
    "MOVED": (Misconfigured, "Redis Cluster is not supported: name a single server or sentinels"),
    "WRONGTYPE": (Misconfigured, "another program uses our keys: set AGENT_MEMORY_REDIS_KEY_PREFIX"),
}  # fmt: skip

# By type, where the driver has dropped that first word. The first that fits: kinds come before what they derive from.
_KINDS: tuple[tuple[type[Exception], tuple[type[PortError], str]], ...] = (
    (driver.AuthenticationError, _REFUSALS["WRONGPASS"]),
    (driver.AuthorizationError, _REFUSALS["NOPERM"]),
    (driver.NoPermissionError, _REFUSALS["NOPERM"]),
    (driver.BusyLoadingError, _REFUSALS["LOADING"]),
    (driver.OutOfMemoryError, _REFUSALS["OOM"]),
    (driver.ReadOnlyError, _REFUSALS["READONLY"]),
    (driver.MasterDownError, _REFUSALS["MASTERDOWN"]),
    (driver.AskError, _REFUSALS["MOVED"]),
    (driver.ClusterError, _REFUSALS["MOVED"]),
    (driver.TimeoutError, (Unavailable, "no answer in time")),
    (driver.ConnectionError, (Unavailable, "the server cannot be reached")),
    (driver.DataError, (Rejected, "a value cannot be stored")),
    (driver.InvalidResponse, (Unavailable, "what answers there does not speak Redis's protocol")),
)

_FIELDS = re.compile(r"AGENT_MEMORY_REDIS_(?:PASSWORD|DB|TLS)\b(?!=)")
_TUTORIAL = "HELLO must be called with the client already authenticated"
"""A refusal that goes on to explain the protocol."""
_CODE = re.compile(r"\b(?:" + "|".join(_REFUSALS) + r")\b")


def port_error(error: Exception, store: str, *, tls: bool = False, by_url: bool = False) -> Exception:
    """What to raise in its place. What is no error of data, server or driver comes back as it is. `tls`: of a
    connection that speaks it; `by_url`: of one that the URL describes, so that this is what to check.
    """
    kind, meaning = _meaning(error)
    if kind is None:
        return error
    if tls and kind is Unavailable and _is_while_connecting(error):
        # A server without TLS does not understand the first message, and waits for its end.
        meaning += ". Does it speak TLS? Else use redis://, or AGENT_MEMORY_REDIS_TLS=false"
    if by_url:
        meaning = _FIELDS.sub("AGENT_MEMORY_REDIS_URL", meaning)
    said = "" if _TUTORIAL in str(error) else str(error).partition("\n")[0]
    return kind(f"{store}: {meaning}" + (f" ({said})" if said else ""))


def _meaning(error: Exception) -> tuple[type[PortError] | None, str]:
    if _has_tls_failure(error):
        return Misconfigured, "TLS failed: check AGENT_MEMORY_REDIS_TLS and the server's certificate"
    for kind, meaning in _KINDS:
        if isinstance(error, kind):
            return _by_words(error) or meaning
    match error:
        case driver.RedisError():
            return _by_words(error) or (Unavailable, "the server refused")
        case UnicodeEncodeError() | OverflowError():
            return Rejected, "a value cannot be stored"
        case TimeoutError():
            return Unavailable, "no answer in time"
        case OSError() | EOFError():
            return Unavailable, "the server cannot be reached"
        case _:
            return None, ""


def _by_words(error: Exception) -> tuple[type[PortError], str] | None:
    said = str(error)
    if "invalid password" in said or "without any password configured" in said:
        return _REFUSALS["WRONGPASS"]
    if "DB index is out of range" in said:
        return Misconfigured, "the server has no such database: check AGENT_MEMORY_REDIS_DB"
    if "unknown command" in said.lower():
        return Misconfigured, "the server is too old or forbids a command that is needed (Redis 6.2 or later)"
    found = _CODE.search(said) if isinstance(error, driver.ResponseError) else None
    return None if found is None else _REFUSALS[found.group()]


def _has_tls_failure(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError) and not isinstance(
            error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)
        ):
            return True
        error = error.__cause__ or error.__context__
    return False


def _is_while_connecting(error: Exception) -> bool:
    """The driver says no more of it than its text."""
    return isinstance(error, (driver.TimeoutError, driver.ConnectionError)) and "onnect" in str(error)


def is_silence(error: Exception) -> bool:
    """Nothing came in time: not even a refusal, or the end of the connection."""
    return isinstance(error, (driver.TimeoutError, TimeoutError))


def is_refusal(error: Exception) -> bool:
    """The server said no before it did anything."""
    return isinstance(error, (driver.ResponseError, driver.BusyLoadingError))


def is_passing(error: Exception) -> bool:
    """Another attempt, a moment later, may succeed."""
    if isinstance(error, (driver.BusyLoadingError, driver.ReadOnlyError, driver.MasterDownError)):
        return True
    if isinstance(error, driver.ResponseError):
        return _by_words(error) in {_REFUSALS["BUSY"], _REFUSALS["TRYAGAIN"]}
    return (
        isinstance(error, (driver.ConnectionError, driver.TimeoutError, OSError, EOFError))
        and not isinstance(error, (driver.AuthenticationError, driver.AuthorizationError))
        and not _has_tls_failure(error)
    )
