"""URLs and settings: where they lead, and that no password comes out of them."""

from __future__ import annotations

import msgspec
import pytest

from agent_memory.adapters.redis.location import Location, parse_url
from agent_memory.adapters.redis.settings import RedisSettings
from agent_memory.ports.errors import Misconfigured

SECRET = "s3cr3t"

PLACES = [
    ("redis://", Location(kind="tcp", addresses=(("localhost", 6379),))),
    ("redis://h", Location(kind="tcp", addresses=(("h", 6379),))),
    ("redis://h:7000/3", Location(kind="tcp", addresses=(("h", 7000),), db=3)),
    ("redis://h?db=4", Location(kind="tcp", addresses=(("h", 6379),), db=4)),
    ("REDIS://h", Location(kind="tcp", addresses=(("h", 6379),))),
    ("redis://[::1]:7000", Location(kind="tcp", addresses=(("::1", 7000),))),
    ("redis://[::1]", Location(kind="tcp", addresses=(("::1", 6379),))),
    ("redis://:p%40ss@h", Location(kind="tcp", addresses=(("h", 6379),), password="p@ss")),
    ("redis://ada:p:q@h", Location(kind="tcp", addresses=(("h", 6379),), username="ada", password="p:q")),
    ("rediss://h", Location(kind="tcp", addresses=(("h", 6379),), tls=True)),
    (
        "rediss://h?ssl_ca_certs=/ca.pem&ssl_cert_reqs=none",
        Location(kind="tcp", addresses=(("h", 6379),), tls=True, tls_root="/ca.pem", tls_verify=False),
    ),
    ("unix:///run/redis.sock", Location(kind="unix", path="/run/redis.sock")),
    (
        "unix://ada:pw@/run/my%20redis.sock?db=2",
        Location(kind="unix", path="/run/my redis.sock", username="ada", password="pw", db=2),
    ),
    (
        "redis+sentinel://h1:26379,h2:26380/mymaster/1",
        Location(kind="sentinel", addresses=(("h1", 26379), ("h2", 26380)), service="mymaster", db=1),
    ),
    (
        "rediss+sentinel://ada:pw@h1,[::1]:5/svc?sentinel_username=bob&sentinel_password=pw2",
        Location(
            kind="sentinel",
            addresses=(("h1", 26379), ("::1", 5)),
            service="svc",
            username="ada",
            password="pw",
            sentinel_username="bob",
            sentinel_password="pw2",
            tls=True,
        ),
    ),
]

REFUSED = [
    ("localhost:6379", "not a URL"),
    ("http://h", "scheme 'http' is not allowed"),
    ("redis+cluster://h1,h2", "Cluster is not supported"),
    ("redis://h1,h2", "several hosts need sentinels"),
    ("redis://h:0", "port"),
    ("redis://h:65536", "port"),
    ("redis://h:12x", "port"),
    ("redis://:6379", "a host is missing"),
    ("redis://[::1", "malformed"),
    ("redis://h/one", "database 'one'"),
    ("redis://h/-1", "database '-1'"),
    ("redis://:p#q@h/0", "written %23"),
    ("redis://h/0#part", "written %23"),
    ("redis://h?timeout=3", "option 'timeout'"),
    ("rediss://h?ssl_cert_reqs=maybe", "ssl_cert_reqs"),
    ("unix://", "absolute path"),
    ("unix://run/redis.sock", "absolute path"),
    ("redis+sentinel://h1,h2", "no service is named"),
    ("redis+sentinel://h1,,h2/svc", "a host is missing"),
]


@pytest.mark.parametrize(("url", "location"), PLACES, ids=[url for url, _ in PLACES])
def test_a_url_leads_to_a_place(url: str, location: Location) -> None:
    assert parse_url(url) == location


@pytest.mark.parametrize(("url", "why"), REFUSED, ids=[url for url, _ in REFUSED])
def test_what_leads_nowhere_is_refused_and_says_why(url: str, why: str) -> None:
    with pytest.raises(Misconfigured, match=why) as caught:
        parse_url(url)
    assert "AGENT_MEMORY_REDIS_URL" in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        f"redis://:{SECRET}@h:0",
        f"ftp://:{SECRET}@h",
        f"redis://ada:{SECRET}@[::1",
        f"redis+sentinel://ada:{SECRET}@h1",
        f"redis://:{SECRET}@h/x",
    ],
)
def test_no_refusal_repeats_a_password(url: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        parse_url(url)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_nothing_that_is_shown_holds_a_password() -> None:
    settings = (
        RedisSettings(host="h", username="ada", password=SECRET),
        RedisSettings(url=f"redis://ada:{SECRET}@h/2"),
        RedisSettings(url=f"redis+sentinel://ada:{SECRET}@h/s?sentinel_password={SECRET}"),
    )
    for each in settings:
        shown = (
            f"{each} {each!r} {each.__rich_repr__()} {each.location} {each.location!r} {each.location.name}"
        )
        assert SECRET not in shown
        assert "h" in each.location.name


def test_fields_lead_to_a_place_where_no_url_is_given() -> None:
    settings = RedisSettings(
        host="h", port=7000, username="ada", password="pw", db=2, tls=True, tls_root="/ca"
    )
    assert settings.location == Location(
        kind="tcp",
        addresses=(("h", 7000),),
        username="ada",
        password="pw",
        db=2,
        tls=True,
        tls_root="/ca",
    )


def test_a_url_says_it_all() -> None:
    settings = RedisSettings(url="redis://other", host="h", port=7000, password="pw", db=2, tls=True)
    assert settings.location == Location(kind="tcp", addresses=(("other", 6379),))


@pytest.mark.parametrize(
    "change",
    [
        {"port": 0},
        {"port": 70_000},
        {"db": -1},
        {"connect_timeout": 0.0},
        {"command_timeout": float("nan")},
        {"command_timeout": float("inf")},
        {"max_retries": -1},
        {"retry_delay": -0.1},
        {"max_connections": 0},
        {"lock_ttl": 0.0},
        {"lock_retry_count": -1},
        {"lock_retry_delay": float("inf")},
        {"cache_ttl": 0.0},
    ],
    ids=str,
)
def test_an_impossible_setting_is_refused(change: dict[str, float]) -> None:
    settings = msgspec.structs.replace(RedisSettings(), **change)
    with pytest.raises(Misconfigured):
        _ = settings.check(), settings.location
