"""What the Storage contract needs of a backend beyond any port's harness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from agent_memory.ports.storage import Storage

from .harness import Harness, HarnessCapabilities

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime


class StorageHarnessCapabilities(HarnessCapabilities, frozen=True, kw_only=True):
    """`newer_schema`: the store can be made to look as if a later program had migrated it."""

    newer_schema: bool = False


class StorageHarness(Harness[Storage], Protocol):
    @property
    def capabilities(self) -> StorageHarnessCapabilities: ...

    def now(self) -> datetime:
        """The backend's clock: what leases and idempotency keys expire by."""
        ...

    async def claim_newer_schema(self) -> None:
        """Make the store claim a schema newer than the program's. Called while no client is open."""
        ...

    def backup_place(self) -> str:
        """Where a backup can be made, another one each time. This and what follows: if the storage makes backups."""
        ...

    def open_backup(self, place: str) -> AbstractAsyncContextManager[Storage]: ...

    def backup_leftovers(self) -> list[str]:
        """What lies where backups are made and is none."""
        ...
