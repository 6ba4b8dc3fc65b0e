"""Adapters are found by what packages announce, and refused in one line that says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.entrypoints.registry import choose, find, load, name_of, parse_address, registered
from agent_memory.ports.errors import Misconfigured

from .packages import on_the_path, package

if TYPE_CHECKING:
    from pathlib import Path

GROUP = "agent_memory.lock"
SOURCE = """
from agent_memory.ports.adapter import CacheAdapter, LockAdapter
from agent_memory.ports.cache import CacheCapabilities
from agent_memory.ports.lock import LockCapabilities

def lock(contract=1, needs=()):
    return LockAdapter(
        contract=contract,
        summary="",
        capabilities=LockCapabilities(name="acme", durable=False, shared="process"),
        make=lambda setup: None,
        harness="acme:harness",
        needs=needs,
    )

GOOD = lock()
OLD = lock(contract=0)
NEW = lock(contract=99)
NEEDY = lock(needs=("a_module_that_is_not_there", "json"))
OTHER_PORT = CacheAdapter(
    contract=1,
    summary="",
    capabilities=CacheCapabilities(name="acme", shared="process"),
    make=lambda setup: None,
    harness="acme:harness",
)
NO_DESCRIPTOR = "lock"
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    on_the_path(tmp_path, monkeypatch)
    return tmp_path


def refusal(name: str) -> str:
    with pytest.raises(Misconfigured) as caught:
        choose("lock", name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_a_package_announces_is_found_with_its_origin(site: Path) -> None:
    package(site, "good_locks", {GROUP: {"acme": "good_locks:GOOD"}}, SOURCE)
    one = find("lock", "acme")
    assert (one.port, one.name, one.package, one.version) == ("lock", "acme", "good_locks", "1.2")
    assert choose("lock", "acme://host")[1].capabilities.name == "acme"
    assert "acme" not in {each.name for each in registered("cache")}


def test_our_own_are_found_in_the_same_way() -> None:
    assert [(one.name, one.package) for one in registered("lock")] == [
        (name, "agent-memory") for name in ("in-process", "postgresql", "redis", "sqlite")
    ]


def test_an_unknown_name_is_told_the_nearest_and_the_others() -> None:
    said = refusal("redsi")
    assert "no lock adapter 'redsi' is installed (did you mean redis?)" in said
    assert "there are: in-process, postgresql, redis, sqlite" in said


def test_a_name_that_two_packages_claim_is_nobodys(site: Path) -> None:
    package(site, "first_locks", {GROUP: {"acme": "first_locks:GOOD"}}, SOURCE)
    package(site, "second_locks", {GROUP: {"acme": "second_locks:GOOD"}}, SOURCE)
    assert "claimed by first_locks and second_locks" in refusal("acme")


def test_nobody_takes_the_place_of_ours(site: Path) -> None:
    package(site, "other_locks", {GROUP: {"sqlite": "other_locks:GOOD"}}, SOURCE)
    assert "claimed by agent-memory and other_locks" in refusal("sqlite")


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("OTHER_PORT", "is for the port cache; agent_memory.lock takes a LockAdapter"),
        ("NO_DESCRIPTOR", "is no descriptor; agent_memory.lock takes a LockAdapter"),
        ("OLD", "version 0 of the contract, this program has 1: upgrade {package}"),
        ("NEW", "version 99 of the contract, this program has 1: upgrade agent-memory"),
        ("ABSENT", "cannot be loaded: AttributeError"),
        ("NEEDY", "needs a_module_that_is_not_there"),
    ],
)
def test_what_does_not_fit_is_refused(site: Path, entry: str, reason: str) -> None:
    name = f"locks_{entry.lower()}"
    package(site, name, {GROUP: {"acme": f"{name}:{entry}"}}, SOURCE)
    assert reason.format(package=name) in refusal("acme")


def test_a_package_that_cannot_be_imported_is_named(site: Path) -> None:
    package(site, "bad_locks", {GROUP: {"acme": "bad_locks:GOOD"}}, "raise RuntimeError('no licence')")
    assert "'acme' of bad_locks 1.2 cannot be loaded: RuntimeError: no licence" in refusal("acme")


def test_one_that_ends_the_program_as_it_is_loaded_is_named(site: Path) -> None:
    package(site, "ending_locks", {GROUP: {"acme": "ending_locks:GOOD"}}, "import sys; sys.exit(3)")
    assert "'acme' of ending_locks 1.2 cannot be loaded: SystemExit: 3" in refusal("acme")


def test_what_one_prints_as_it_is_loaded_is_no_answer(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package(site, "loud_locks", {GROUP: {"acme": "loud_locks:GOOD"}}, "print('hello')\n" + SOURCE)
    choose("lock", "acme")
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "hello\n")


@pytest.mark.parametrize("name", ["UPPER", "my lock", "größe", "a://b", "--help"])
def test_a_name_that_no_setting_can_say_is_refused(site: Path, name: str) -> None:
    package(site, "odd_locks", {GROUP: {name: "odd_locks:GOOD"}}, SOURCE)
    with pytest.raises(
        Misconfigured, match=r"of odd_locks 1\.2 cannot be chosen by that name: small letters"
    ):
        load(find("lock", name))


@pytest.mark.parametrize(
    ("text", "name"),
    [("acme", "acme"), ("ACME", "acme"), ("Acme-2://Host/X", "acme-2"), ("a+b.c_d", "a+b.c_d")],
)
def test_the_name_of_an_address(text: str, name: str) -> None:
    assert name_of(text) == name


@pytest.mark.parametrize("text", ["", "://host", "a b", "acme:/host", "1acme", "a" * 65, "acme\n"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be the name of an adapter"):
        name_of(text)


def test_an_address_is_taken_apart() -> None:
    address = parse_address("acme://us%40er:p%3Aw@Host:70/a%20path?one=1&two=")
    assert (address.user, address.password, address.host, address.port) == ("us@er", "p:w", "host", 70)
    assert (address.path, address.options) == ("/a path", {"one": "1", "two": ""})
    assert parse_address("ACME").text == "acme"


@pytest.mark.parametrize(
    "text", ["acme://h:port", "acme://u:secret@h?x", "acme://u:secret@h?a=1&a=2", "acme://["]
)
def test_an_address_that_cannot_be_read_is_refused_without_its_secret(text: str) -> None:
    with pytest.raises(ValueError, match=r"address|twice") as caught:
        parse_address(text)
    assert "secret" not in str(caught.value)
