"""Which adapters are installed, and the one that a setting chooses. Entry points are read where something is chosen."""

from __future__ import annotations

import re
import sys
from contextlib import redirect_stdout
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from ..ports.adapter import CONTRACTS, DESCRIPTORS, GROUPS, Adapter
from ..ports.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAME = re.compile(r"[a-z][a-z0-9+._-]{0,63}")


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    """An adapter as its package announces it, before any of the package was loaded."""

    port: str
    name: str
    package: str
    version: str
    entry: EntryPoint


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of `Setup` that a setting's text says."""

    text: str
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = ""
    path: str = ""
    options: dict[str, str] = {}


def registered(port: str) -> tuple[Registered, ...]:
    """By name; one that two packages claim is there twice."""
    found = {
        Registered(
            port=port,
            name=entry.name,
            package=entry.dist.name if entry.dist else "?",
            version=entry.dist.version if entry.dist else "?",
            entry=entry,
        )
        for entry in entry_points(group=GROUPS[port])
    }
    return tuple(sorted(found, key=lambda one: (one.name, one.package)))


def astray() -> tuple[str, ...]:
    """A line for each group that looks like that of a port, and is none."""
    ours = set(GROUPS.values())
    found = {
        (group, entry.dist.name if entry.dist else "?")
        for group in entry_points().groups - ours
        if group.startswith("agent_memory.")
        for entry in entry_points(group=group)
    }
    return tuple(
        f"no port has the entry-point group {group} of {package}{nearest(group, sorted(ours))}"
        for group, package in sorted(found)
    )


def find(port: str, name: str) -> Registered:
    """`Misconfigured`, in one line with the names there are, where there is none, or no one."""
    every = registered(port)
    named = [one for one in every if one.name == name]
    if not named:
        known = sorted({one.name for one in every})
        raise Misconfigured(
            f"no {port} adapter {name!r} is installed{nearest(name, known)}; there are: {', '.join(known) or 'none'}"
        )
    if len(named) > 1:
        packages = " and ".join(one.package for one in named)
        raise Misconfigured(f"{port} adapter {name!r} is claimed by {packages}: uninstall all but one")
    return named[0]


def nearest(name: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 (only a mistake needs it)

    near = get_close_matches(name, known, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def load(one: Registered) -> Adapter:
    """`Misconfigured` for what cannot be loaded, has a name that no setting can say, is no descriptor of this port, or
    is of another contract. What it prints meanwhile goes to stderr: stdout may belong to a protocol.
    """
    what = f"{one.port} adapter {one.name!r} of {one.package} {one.version}"
    if not _NAME.fullmatch(one.name):
        raise Misconfigured(
            f"{what} cannot be chosen by that name: small letters, digits and + . _ - only, a letter first"
        )
    try:
        with redirect_stdout(sys.stderr):
            loaded: object = one.entry.load()
    except (Exception, SystemExit) as error:
        # A package of someone else's may fail in any way; whoever chose it is told which one, and how.
        raise Misconfigured(f"{what} cannot be loaded: {type(error).__name__}: {error}") from error
    expected = DESCRIPTORS[one.port]
    if not isinstance(loaded, expected):
        is_for = f"is for the port {loaded.port}" if isinstance(loaded, Adapter) else "is no descriptor"
        raise Misconfigured(
            f"{what}: {one.entry.value} {is_for}; {GROUPS[one.port]} takes a {expected.__name__}"
        )
    if loaded.contract != CONTRACTS[one.port]:
        raise Misconfigured(
            f"{what} is written for version {loaded.contract} of the contract, this program has "
            f"{CONTRACTS[one.port]}: {_remedy(loaded.contract, one)}"
        )
    return loaded


def missing(adapter: Adapter) -> tuple[str, ...]:
    """Modules that it needs and that are not installed."""
    return tuple(module for module in adapter.needs if find_spec(module) is None)


def choose(port: str, text: str) -> tuple[Registered, Adapter]:
    """The adapter that a setting means, ready to be made. `Misconfigured` where it cannot be."""
    one = find(port, name_of(text))
    adapter = load(one)
    if lacking := missing(adapter):
        extra = f"; pip install 'agent-memory[{one.name}]'" if one.package == "agent-memory" else ""
        raise Misconfigured(f"{port} adapter {one.name!r} needs {', '.join(lacking)}{extra}")
    return one, adapter


def name_of(text: str) -> str:
    """`acme` of `acme` and of `acme://...`. ValueError for what is neither."""
    name, mark, _ = text.partition("://")
    name = name.lower()
    if not _NAME.fullmatch(name) or (mark and not name):
        raise ValueError("must be the name of an adapter, or an address that begins with one (NAME://...)")
    return name


def parse_address(text: str) -> Address:
    """ValueError, which shows nothing of the text, for an address that cannot be read."""
    name, mark, rest = text.partition("://")
    if not mark:
        return Address(text=name.lower())
    try:
        parts = urlsplit(f"//{rest}")
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        port = parts.port or 0
    except ValueError:
        raise ValueError("is not an address (NAME://user:password@host:port/path?option=value)") from None
    options = dict(pairs)
    if len(options) < len(pairs):
        raise ValueError("an option is given twice")
    return Address(
        text=text,
        host=unquote(parts.hostname or ""),
        port=port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        path=unquote(parts.path),
        options=options,
    )


def _remedy(contract: int, one: Registered) -> str:
    older = contract < CONTRACTS[one.port]
    return f"upgrade {one.package}" if older else "upgrade agent-memory"
