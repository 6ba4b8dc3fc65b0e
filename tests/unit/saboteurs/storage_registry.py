"""Which saboteur breaks which clause, and how one is let loose on it."""

from __future__ import annotations

import asyncio
import inspect
import re
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import pytest

from agent_memory.ports.errors import PortError
from agent_memory_contract.storage_contract import StorageContract
from agent_memory_contract.storage_sqlite_harness import SqliteStorageHarness

from .storage_line import Line, RemoteStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from agent_memory.ports.storage import Storage

    from .storage_wrapper import Wrapper

W = TypeVar("W", bound="type[Wrapper]")

CAUGHT = (AssertionError, pytest.fail.Exception, PortError, ValueError)
"""How a clause fails; ValueError is what unpacking says of an answer that is too short or too long."""

saboteurs: list[tuple[str, type[Wrapper]]] = []


def breaks(*clauses: int) -> Callable[[W], W]:
    """The decorated saboteur must be caught by each of these clauses."""

    def register(saboteur: W) -> W:
        saboteurs.extend((f"STORAGE-{number:02}", saboteur) for number in clauses)
        return saboteur

    return register


def clauses() -> dict[str, Callable[..., Coroutine[Any, Any, None]]]:
    """Every clause of the contract by its id."""
    found: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {}
    for name in dir(StorageContract):
        if numbered := re.match(r"test_storage_(\d+)_", name):
            clause = f"STORAGE-{numbered[1]}"
            assert clause not in found, f"{clause} stands twice"
            found[clause] = getattr(StorageContract, name)
    return found


class SabotagedHarness(SqliteStorageHarness):
    """Each client is a saboteur over an honest storage, at the end of a line that can be cut."""

    capabilities = msgspec.structs.replace(SqliteStorageHarness.capabilities, sever=True)

    def __init__(self, folder: Path, saboteur: type[Wrapper]) -> None:
        super().__init__(folder)
        self._saboteur = saboteur
        self._line = Line()

    def open(self) -> Storage:
        return self._saboteur(RemoteStorage(super().open(), self._line))

    def second_client(self) -> Storage:
        return self._saboteur(RemoteStorage(super().second_client(), self._line))

    async def sever(self) -> None:
        self._line.is_cut = True

    async def heal(self) -> None:
        self._line.is_cut = False


async def caught(clause: str, saboteur: type[Wrapper], folder: Path) -> BaseException | None:
    """What the clause said of the saboteur; None when it let it pass."""
    try:
        async with asyncio.timeout(60):
            method = clauses()[clause]
            more = {"seed": 0} if "seed" in inspect.signature(method).parameters else {}
            await method(StorageContract(), SabotagedHarness(folder, saboteur), **more)
    except CAUGHT as verdict:
        return verdict
    return None
