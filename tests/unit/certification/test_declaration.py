"""The clauses on descriptors bite: one that says more, less or something else than its adapter is caught, and one that
makes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from agent_memory.entrypoints.builtin import INPROCESS_LOCK, STATIC_EMBEDDER
from agent_memory.entrypoints.registry import load, missing, registered
from agent_memory.ports.adapter import GROUPS
from agent_memory.ports.errors import Misconfigured
from agent_memory_contract import embedder_harnesses, inprocess_harnesses
from agent_memory_contract.declaration import Declaration
from agent_memory_contract.harness import Bench

if TYPE_CHECKING:
    from pathlib import Path

    from agent_memory.ports.adapter import Adapter, Setup


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def lying(**claims: Any) -> Adapter:
    capabilities = msgspec.structs.replace(INPROCESS_LOCK.capabilities, **claims)
    return msgspec.structs.replace(INPROCESS_LOCK, capabilities=capabilities)


async def check(adapter: Adapter, folder: Path) -> dict[str, object]:
    recorded: dict[str, object] = {}
    async with inprocess_harnesses.lock(Bench(folder=folder)) as harness:
        await Declaration().test_adapter_01_is_what_its_descriptor_says(
            harness, adapter, recorded.__setitem__
        )
    return recorded


async def test_an_honest_one_passes_and_tells_the_class(tmp_path: Path) -> None:
    recorded = await check(INPROCESS_LOCK, tmp_path)
    assert recorded == {"implementation": "agent_memory.adapters.inprocess.lock.InProcessLock"}


@pytest.mark.parametrize(
    "claims",
    [{"durable": True}, {"shared": "network"}, {"name": "acme"}],
    ids=lambda claims: next(iter(claims)),
)
async def test_one_that_claims_otherwise_is_caught(tmp_path: Path, claims: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        await check(lying(**claims), tmp_path)


async def test_what_depends_on_settings_may_be_left_open(tmp_path: Path) -> None:
    assert STATIC_EMBEDDER.capabilities is None
    recorded: dict[str, object] = {}
    async with embedder_harnesses.static(Bench(folder=tmp_path)) as harness:
        await Declaration().test_adapter_01_is_what_its_descriptor_says(
            harness, STATIC_EMBEDDER, recorded.__setitem__
        )
    assert list(recorded) == ["implementation"]


OURS = [(one, load(one)) for port in GROUPS for one in registered(port)]


@pytest.mark.parametrize(
    "adapter",
    [adapter for _, adapter in OURS if not missing(adapter)],
    ids=[f"{one.port}-{one.name}" for one, adapter in OURS if not missing(adapter)],
)
async def test_each_of_ours_is_made_from_its_name(adapter: Adapter, tmp_path: Path) -> None:
    await Declaration().test_adapter_02_is_made_from_its_name(adapter, tmp_path)


async def test_what_needs_an_address_may_say_so(tmp_path: Path) -> None:
    def make(setup: Setup) -> Any:
        raise Misconfigured(f"{setup.text}: needs a host")

    adapter = msgspec.structs.replace(INPROCESS_LOCK, make=make)
    await Declaration().test_adapter_02_is_made_from_its_name(adapter, tmp_path)


def fails(setup: Setup) -> object:
    return setup.options["timeout"]


def gives_something_else(setup: Setup) -> object:
    return len(setup.text)


def takes_nothing() -> object:
    return None


@pytest.mark.parametrize(
    ("make", "seen"),
    [
        (fails, "timeout"),
        (gives_something_else, "make gave a int"),
        (takes_nothing, "positional argument"),
    ],
)
async def test_one_that_makes_nothing_is_caught(make: Any, seen: str, tmp_path: Path) -> None:
    adapter = msgspec.structs.replace(INPROCESS_LOCK, make=make)
    with pytest.raises((AssertionError, KeyError, TypeError), match=seen):
        await Declaration().test_adapter_02_is_made_from_its_name(adapter, tmp_path)
