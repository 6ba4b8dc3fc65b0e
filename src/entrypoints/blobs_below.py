"""The named exports of one ceiling in a store that all share: no name tells of another's, or reaches it."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from ..ports.blobs import NAME_BYTES, checked_blob_name
from ..ports.errors import Conflict, NotFound, Rejected

if TYPE_CHECKING:
    import builtins
    from collections.abc import AsyncIterator

    from ..ports.blobs import Blob, BlobStore


class BlobsBelow:
    """Each name stands in `blobs` behind a mark of the ceiling, of which the caller never hears."""

    def __init__(self, blobs: BlobStore, ceiling: str) -> None:
        self._blobs = blobs
        # As long for every scope, however deep it lies.
        self._mark = f"scope~{blake2b(ceiling.encode(), digest_size=16).hexdigest()}~"

    async def put(self, name: str, parts: AsyncIterator[bytes], *, replace: bool = False) -> Blob:
        marked = self._marked(name)
        try:
            return self._bare(await self._blobs.put(marked, parts, replace=replace))
        except Conflict as error:
            raise Conflict(f"name {name!r}: there is one of that name already; choose another") from error

    async def get(self, name: str) -> AsyncIterator[bytes]:
        marked = self._marked(name)
        try:
            async for part in self._blobs.get(marked):
                yield part
        except NotFound as error:
            raise NotFound(f"name {name!r}: there is none of that name", "name") from error

    async def list(self, *, prefix: str = "") -> builtins.list[Blob]:
        return [self._bare(blob) for blob in await self._blobs.list(prefix=f"{self._mark}{prefix}")]

    async def delete(self, name: str) -> bool:
        return await self._blobs.delete(self._marked(name))

    def _marked(self, name: str) -> str:
        marked = f"{self._mark}{checked_blob_name(name)}"
        if len(marked.encode()) > NAME_BYTES:
            most = NAME_BYTES - len(self._mark)
            raise Rejected(f"name: {len(name.encode())} bytes; a name has 1 to {most} here", "name")
        return marked

    def _bare(self, blob: Blob) -> Blob:
        return msgspec.structs.replace(blob, name=blob.name.removeprefix(self._mark))
