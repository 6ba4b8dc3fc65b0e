"""Where the server is, and the URLs that say so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from ...ports.errors import Misconfigured

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_VARIABLE = "AGENT_MEMORY_REDIS_URL"
_REDIS_PORT = 6379
_SENTINEL_PORT = 26379
_SCHEMES = "redis://, rediss://, unix://, redis+sentinel:// or rediss+sentinel://"
_OPTIONS = ("db", "ssl_ca_certs", "ssl_cert_reqs", "sentinel_username", "sentinel_password")


class _Login(TypedDict):
    username: str
    password: str


class _Tls(TypedDict):
    tls_root: str
    tls_verify: bool


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """`addresses` are the server's own or the sentinels' of `service`. `tls_root` is a PEM file (empty: the system's
    authorities); without `tls_verify` nobody asks who answers.
    """

    kind: Literal["tcp", "unix", "sentinel"]
    addresses: tuple[tuple[str, int], ...] = ()
    path: str = ""
    service: str = ""
    username: str = ""
    password: str = ""
    sentinel_username: str = ""
    sentinel_password: str = ""
    db: int = 0
    tls: bool = False
    tls_root: str = ""
    tls_verify: bool = True

    @property
    def name(self) -> str:
        """For people: no secret in it."""
        places = ",".join(
            f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.addresses
        )
        match self.kind:
            case "tcp":
                return f"redis {places}/{self.db}"
            case "unix":
                return f"redis {self.path}/{self.db}"
            case "sentinel":
                return f"redis {self.service}/{self.db} by sentinel {places}"

    def __repr__(self) -> str:
        return f"Location({self.name})"


def parse_url(url: str) -> Location:
    """Errors never repeat the URL: a password may be in it."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise Misconfigured(f"{_VARIABLE}: not a URL ({_SCHEMES})")
    try:
        parts = urlsplit(f"redis://{rest}")
    except ValueError:
        raise Misconfigured(f"{_VARIABLE}: the host is malformed") from None
    if "#" in rest:
        raise Misconfigured(f"{_VARIABLE}: '#' is not allowed (in a password it is written %23)")
    match scheme.lower():
        case "redis" | "rediss":
            return _server(parts, tls=scheme.lower() == "rediss")
        case "unix":
            return _socket(parts)
        case "redis+sentinel" | "rediss+sentinel":
            return _sentinel(parts, tls=scheme.lower() == "rediss+sentinel")
        case "redis+cluster" | "rediss+cluster":
            raise Misconfigured(
                f"{_VARIABLE}: Redis Cluster is not supported, since one decision needs keys of several slots: "
                f"name a single server or sentinels ({_SCHEMES})"
            )
        case _:
            raise Misconfigured(f"{_VARIABLE}: scheme {scheme!r} is not allowed ({_SCHEMES})")


def _server(parts: SplitResult, *, tls: bool) -> Location:
    options = _options(parts)
    [address] = _addresses(parts, _REDIS_PORT, most=1)
    return Location(
        kind="tcp",
        addresses=(address,),
        db=_db(parts.path.strip("/") or options.get("db", "0")),
        tls=tls,
        **_login(parts),
        **_tls(options),
    )


def _socket(parts: SplitResult) -> Location:
    options = _options(parts)
    if not parts.path.startswith("/") or parts.path == "/" or _hosts(parts):
        raise Misconfigured(
            f"{_VARIABLE}: a unix:// URL names an absolute path, as in unix:///run/redis.sock"
        )
    return Location(kind="unix", path=unquote(parts.path), db=_db(options.get("db", "0")), **_login(parts))


def _sentinel(parts: SplitResult, *, tls: bool) -> Location:
    options = _options(parts)
    service, _, db = parts.path.strip("/").partition("/")
    if not service:
        raise Misconfigured(
            f"{_VARIABLE}: no service is named, as in redis+sentinel://host1:26379,host2:26379/mymaster/0"
        )
    return Location(
        kind="sentinel",
        addresses=_addresses(parts, _SENTINEL_PORT, most=None),
        service=unquote(service),
        db=_db(db or options.get("db", "0")),
        tls=tls,
        sentinel_username=options.get("sentinel_username", ""),
        sentinel_password=options.get("sentinel_password", ""),
        **_login(parts),
        **_tls(options),
    )


def _options(parts: SplitResult) -> dict[str, str]:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name in options:
        if name not in _OPTIONS:
            raise Misconfigured(f"{_VARIABLE}: option {name!r} is not known ({', '.join(_OPTIONS)})")
    return options


def _hosts(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


def _login(parts: SplitResult) -> _Login:
    login = parts.netloc.rpartition("@")[0]
    username, _, password = login.partition(":")
    return {"username": unquote(username), "password": unquote(password)}


def _addresses(parts: SplitResult, port: int, *, most: int | None) -> tuple[tuple[str, int], ...]:
    places = _hosts(parts).split(",") if _hosts(parts) else ["localhost"]
    if most is not None and len(places) > most:
        raise Misconfigured(f"{_VARIABLE}: several hosts need sentinels (redis+sentinel://)")
    return tuple(_address(place, port) for place in places)


def _address(place: str, port: int) -> tuple[str, int]:
    # A colon inside brackets is one of an IPv6 address.
    at = place.rfind(":") if place.rfind(":") > place.rfind("]") else -1
    host, digits = (place, "") if at < 0 else (place[:at], place[at + 1 :])
    host = host.removeprefix("[").removesuffix("]")
    if not host:
        raise Misconfigured(f"{_VARIABLE}: a host is missing")
    if not digits:
        return host, port
    if not digits.isascii() or not digits.isdigit() or not 0 < int(digits) < 65536:
        raise Misconfigured(f"{_VARIABLE}: the port of {host!r} is not allowed (1 to 65535)")
    return host, int(digits)


def _db(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise Misconfigured(f"{_VARIABLE}: database {text!r} is not allowed (0 or more)")
    return int(text)


def _tls(options: dict[str, str]) -> _Tls:
    verify = options.get("ssl_cert_reqs", "required")
    if verify not in {"required", "none"}:
        raise Misconfigured(f"{_VARIABLE}: ssl_cert_reqs {verify!r} is not allowed (required or none)")
    return {"tls_root": options.get("ssl_ca_certs", ""), "tls_verify": verify == "required"}
