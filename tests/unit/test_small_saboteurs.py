"""Each clause of the small ports' contracts bites: an adapter that breaks just that promise is caught by it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import msgspec
import pytest

from agent_memory.ports.errors import PortError
from agent_memory_contract import exploring, suite
from agent_memory_contract.blob_store_contract import BlobStoreContract
from agent_memory_contract.cache_contract import CacheContract
from agent_memory_contract.circuit_breaker_contract import CircuitBreakerContract
from agent_memory_contract.embedder_contract import EmbedderContract
from agent_memory_contract.event_bus_contract import EventBusContract
from agent_memory_contract.lock_contract import LockContract
from agent_memory_contract.rate_limiter_contract import RateLimiterContract

from .saboteurs_small import (
    blobs,
    breakers,
    breakers_cut_off,
    buses,
    caches,
    embedder_calls,
    embedders,
    endings,
    explored,
    hoarders,
    limiters,
    lock_waiters,
    locks,
)
from .saboteurs_small.latent import (
    LatentBlobs,
    LatentBreaker,
    LatentBus,
    LatentCache,
    LatentEmbedder,
    LatentLimiter,
    LatentLock,
)
from .saboteurs_small.registry import saboteurs_in
from .saboteurs_small.remote_blobs import BlobsHarness, RemoteBlobs
from .saboteurs_small.remote_breaker import BreakerCutHarness, RemoteBreaker
from .saboteurs_small.remote_bus import RemoteBus, bus_harness
from .saboteurs_small.remote_cache import RemoteCache, cache_harness
from .saboteurs_small.remote_embedder import RemoteEmbedder, embedder_harness
from .saboteurs_small.remote_limiter import RemoteLimiter, limiter_harness
from .saboteurs_small.remote_lock import RemoteLock, lock_harness

HANG = 3.0
"""Real seconds: on purpose shorter than the suite's own patience, since some saboteurs hang."""


CAUGHT = (AssertionError, pytest.fail.Exception, PortError, TimeoutError, ValueError, ZeroDivisionError)
"""How a clause fails. Anything else is a mistake of the saboteur itself."""


class Port(msgspec.Struct, frozen=True):
    contract: type
    harness: Callable[[Any], Any]
    upright: tuple[type, ...]
    saboteurs: tuple[ModuleType, ...]


PORTS = (
    Port(
        LockContract,
        lock_harness,
        (RemoteLock, LatentLock),
        (locks, lock_waiters, endings, explored, hoarders),
    ),
    Port(CacheContract, cache_harness, (RemoteCache, LatentCache), (caches, endings, explored, hoarders)),
    Port(EventBusContract, bus_harness, (RemoteBus, LatentBus), (buses, endings, explored, hoarders)),
    Port(
        RateLimiterContract,
        limiter_harness,
        (RemoteLimiter, LatentLimiter),
        (limiters, endings, explored, hoarders),
    ),
    Port(
        CircuitBreakerContract,
        BreakerCutHarness,
        (RemoteBreaker, LatentBreaker),
        (breakers, breakers_cut_off, endings, explored),
    ),
    Port(BlobStoreContract, BlobsHarness, (RemoteBlobs, LatentBlobs), (blobs,)),
    Port(EmbedderContract, embedder_harness, (RemoteEmbedder, LatentEmbedder), (embedders, embedder_calls)),
)


def clauses_of(contract: type) -> dict[str, str]:
    """Method names by clause."""
    names = [name for name in dir(contract) if name.startswith("test_")]
    numbered = [re.fullmatch(r"test_([a-z]+)_(\d\d)_\w+", name) for name in names]
    clauses = {f"{each[1].upper()}-{each[2]}": each[0] for each in numbered if each}
    assert len(clauses) == len(names), "a clause without a number, or a number used twice"
    return clauses


def saboteurs_of(port: Port) -> list[tuple[str, type]]:
    clauses = clauses_of(port.contract)
    return [
        (clause, kind)
        for module in port.saboteurs
        for clause, kind in saboteurs_in(module)
        if clause in clauses
    ]


UPRIGHT = [
    (port, clause, kind) for port in PORTS for clause in clauses_of(port.contract) for kind in port.upright
]
BROKEN = [(port, clause, kind) for port in PORTS for clause, kind in saboteurs_of(port)]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def seed() -> int:
    return 0


async def try_clause(port: Port, clause: str, kind: type, request: pytest.FixtureRequest) -> None:
    """Run the clause against an adapter of this kind."""
    method = getattr(port.contract(), clauses_of(port.contract)[clause])
    fixtures = [name for name in inspect.signature(method).parameters if name != "harness"]
    await method(port.harness(kind), **{name: request.getfixturevalue(name) for name in fixtures})


@pytest.mark.parametrize(
    ("port", "clause", "kind"), UPRIGHT, ids=[f"{clause}-{kind.__name__}" for _, clause, kind in UPRIGHT]
)
async def test_an_upright_adapter_passes(
    port: Port, clause: str, kind: type, request: pytest.FixtureRequest
) -> None:
    """With every capability, so that no clause is skipped; at once or late, as its backend answers."""
    try:
        await try_clause(port, clause, kind, request)
    except pytest.skip.Exception as skipped:
        pytest.fail(f"not tried: {skipped}")


@pytest.mark.parametrize(
    ("port", "clause", "kind"), BROKEN, ids=[f"{clause}-{kind.__name__}" for _, clause, kind in BROKEN]
)
async def test_a_saboteur_is_caught(
    port: Port, clause: str, kind: type, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clause fails: by an assertion, or by an error that has no place there."""
    monkeypatch.setattr(suite, "SAFETY", HANG)
    monkeypatch.setattr(exploring, "effort", exploring.Effort(examples=3000, seconds=30.0, shrink=False))
    with pytest.raises(CAUGHT):
        await try_clause(port, clause, kind, request)


@pytest.mark.parametrize("port", PORTS, ids=lambda port: port.contract.__name__)
def test_each_clause_has_a_saboteur(port: Port) -> None:
    assert {clause for clause, _ in saboteurs_of(port)} == set(clauses_of(port.contract))


def test_each_saboteur_names_clauses_that_exist() -> None:
    named = {clause for port in PORTS for module in port.saboteurs for clause, _ in saboteurs_in(module)}
    assert named == {clause for port in PORTS for clause in clauses_of(port.contract)}


@pytest.mark.parametrize("port", PORTS, ids=lambda port: port.contract.__name__)
def test_each_clause_says_what_it_means(port: Port) -> None:
    for name in clauses_of(port.contract).values():
        assert getattr(port.contract, name).__doc__, name
