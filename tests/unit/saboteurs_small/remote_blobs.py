"""An upright BlobStore, as a client behind a line."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from agent_memory.adapters.files.blobs import FileBlobStore
from agent_memory_contract.blob_files_harness import FileBlobHarness

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from agent_memory.ports.blobs import Blob, BlobStore


class RemoteBlobs:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inner = FileBlobStore(folder)

    async def put(self, name: str, parts: AsyncIterator[bytes], *, replace: bool = False) -> Blob:
        return await self.inner.put(name, parts, replace=replace)

    async def get(self, name: str) -> AsyncIterator[bytes]:
        async for part in self.inner.get(name):
            yield part

    async def list(self, *, prefix: str = "") -> list[Blob]:
        return await self.inner.list(prefix=prefix)

    async def delete(self, name: str) -> bool:
        return await self.inner.delete(name)


class BlobsHarness(FileBlobHarness):
    def __init__(self, kind: type[RemoteBlobs]) -> None:
        folder = Path(tempfile.mkdtemp(prefix="blobs-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        super().__init__(folder)
        self._kind = kind

    def open(self) -> AbstractAsyncContextManager[BlobStore]:
        return nullcontext(self._kind(self.folder))
