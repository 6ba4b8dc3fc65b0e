"""The BlobStore on a folder of its own."""

from __future__ import annotations

from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING

from agent_memory.adapters.files.blobs import FileBlobStore
from agent_memory.ports.blobs import checked_blob_name
from agent_memory.ports.errors import Rejected

from .harness import HarnessCapabilities

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from agent_memory.ports.blobs import BlobStore

    from .harness import Bench


class FileBlobHarness:
    """Nothing is opened: each client is a view of the folder."""

    capabilities = HarnessCapabilities(second_client=True, durable=True)

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "blobs"

    def open(self) -> AbstractAsyncContextManager[BlobStore]:
        return nullcontext(FileBlobStore(self.folder))

    def second_client(self) -> AbstractAsyncContextManager[BlobStore]:
        return self.open()

    async def advance(self, seconds: float) -> None:
        """Nothing here goes by time."""

    async def sever(self) -> None:
        raise NotImplementedError("nothing lies between a process and its folder")

    async def heal(self) -> None:
        raise NotImplementedError("nothing lies between a process and its folder")

    def leftovers(self) -> list[str]:
        return (
            []
            if not self.folder.exists()
            else [file.name for file in self.folder.iterdir() if _no_blob(file)]
        )


def _no_blob(file: Path) -> bool:
    try:
        checked_blob_name(file.name)
    except Rejected:
        return True
    return not file.is_file()


@asynccontextmanager
async def blob_store(bench: Bench) -> AsyncGenerator[FileBlobHarness]:
    yield FileBlobHarness(bench.folder)
