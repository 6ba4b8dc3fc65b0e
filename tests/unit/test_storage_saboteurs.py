"""Every clause of the Storage contract is shown to bite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory_contract import exploring
from agent_memory_contract.storage_contract import StorageContract

from .saboteurs.storage_registry import SabotagedHarness, caught, clauses
from .saboteurs.storage_table import SABOTEURS
from .saboteurs.storage_wrapper import Wrapper

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize(("clause", "saboteur"), SABOTEURS, ids=[f"{c}-{s.__name__}" for c, s in SABOTEURS])
async def test_the_clause_catches_the_saboteur(
    clause: str, saboteur: type[Wrapper], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exploring, "effort", exploring.Effort(seconds=80.0, shrink=False))
    assert await caught(clause, saboteur, tmp_path) is not None


def test_every_clause_has_a_saboteur() -> None:
    assert set(clauses()) == {clause for clause, _ in SABOTEURS}


class TestNobodySabotages(StorageContract):
    """The wrapper that saboteurs are made from changes nothing: what is caught is the sabotage."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> SabotagedHarness:
        return SabotagedHarness(tmp_path, Wrapper)
