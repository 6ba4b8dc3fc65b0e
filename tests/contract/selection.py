"""Which adapter is to be tried, by its name."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

import msgspec
import pytest

from agent_memory.entrypoints.registry import Registered, find, load, missing, nearest, registered
from agent_memory.ports.adapter import GROUPS, Adapter
from agent_memory.ports.errors import Misconfigured

if TYPE_CHECKING:
    from .harness import Bench, Harness

TOOLS = ("agent-memory", "anyio", "hypothesis", "pytest")


class Selected(msgspec.Struct, frozen=True, kw_only=True):
    registered: Registered
    adapter: Adapter
    url: str = ""

    def open(self, bench: Bench) -> AbstractAsyncContextManager[Harness[Any]]:
        """What the harness function of the descriptor gives."""
        module, _, name = self.adapter.harness.partition(":")
        made: object = getattr(import_module(module), name)(bench)
        if not isinstance(made, AbstractAsyncContextManager):
            raise TypeError(f"{self.adapter.harness} gave a {type(made).__name__}, no async context manager")
        return cast("AbstractAsyncContextManager[Harness[Any]]", made)


SELECTED = pytest.StashKey[Selected]()


def select(name: str, *, port: str = "", url: str = "") -> Selected:
    """`Misconfigured`, in one line, where the name means nothing, or two things."""
    if not port:
        ports = [each for each in GROUPS if any(one.name == name for one in registered(each))]
        if len(ports) > 1:
            raise Misconfigured(f"{name!r} is an adapter of {', '.join(ports)}: say which port")
        if not ports:
            known = sorted({one.name for each in GROUPS for one in registered(each)})
            raise Misconfigured(f"no adapter {name!r} is installed{nearest(name, known)}")
        port = ports[0]
    if port not in GROUPS:
        raise Misconfigured(f"no port {port!r}{nearest(port, list(GROUPS))}; there are: {', '.join(GROUPS)}")
    one = find(port, name)
    adapter = load(one)
    if lacking := missing(adapter):
        raise Misconfigured(f"{port} adapter {name!r} needs {', '.join(lacking)}, not installed here")
    module, _, function = adapter.harness.partition(":")
    if not function or not _exists(module):
        raise Misconfigured(
            f"{port} adapter {name!r}: its harness {adapter.harness!r} is not module:function of an installed module"
        )
    return Selected(registered=one, adapter=adapter, url=url)


def versions_of(package: str) -> dict[str, str]:
    """Of the package, of what it asks for and is installed, and of the tools."""
    asked = [package, *(_bare(each) for each in _requires(package)), *TOOLS]
    return {name: found for name in dict.fromkeys(asked) if (found := _version(name))}


def _requires(package: str) -> list[str]:
    try:
        return requires(package) or []
    except PackageNotFoundError:
        return []


def _bare(requirement: str) -> str:
    name = requirement
    for end in " ;[<>=!~(@":
        name = name.partition(end)[0]
    return name


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _exists(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False
