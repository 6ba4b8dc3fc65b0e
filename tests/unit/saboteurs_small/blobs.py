"""Blob stores that break one promise each."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from agent_memory.ports.blobs import Blob
from agent_memory.ports.errors import NotFound, PortError, Rejected

from .registry import breaks
from .remote_blobs import RemoteBlobs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class WritesInPlace(RemoteBlobs):
    """Under the name itself, part by part."""

    async def put(self, name: str, parts: AsyncIterator[bytes], *, replace: bool = False) -> Blob:
        if not replace:
            # Whatever is wrong with the name is found.
            await self.inner.put(name, _nothing())
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as file:
            async for part in parts:
                file.write(part)
                file.flush()
        return Blob(name=name, size=path.stat().st_size, written_at=datetime.now(UTC))


breaks("BLOB-04", "BLOB-05", "BLOB-09")(WritesInPlace)


async def _nothing() -> AsyncIterator[bytes]:
    for part in ():
        yield part


async def _whole(parts: AsyncIterator[bytes]) -> bytes:
    return b"".join([part async for part in parts])


async def _one(part: bytes) -> AsyncIterator[bytes]:
    yield part


@breaks("BLOB-01")
class LosesTheLastPart(RemoteBlobs):
    async def put(self, name: str, parts: AsyncIterator[bytes], *, replace: bool = False) -> Blob:
        kept = [part async for part in parts]
        return await super().put(
            name, _one(b"".join(kept[:-1]) if len(kept) > 1 else b"".join(kept)), replace=replace
        )


@breaks("BLOB-01")
class GivesItAllAtOnce(RemoteBlobs):
    async def get(self, name: str) -> AsyncIterator[bytes]:
        yield await _whole(self.inner.get(name))


@breaks("BLOB-02")
class KeepsNothingOfNothing(RemoteBlobs):
    async def put(self, name: str, parts: AsyncIterator[bytes], *, replace: bool = False) -> Blob:
        blob = await super().put(name, parts, replace=replace)
        if not blob.size:
            await self.inner.delete(name)
        return blob


@breaks("BLOB-03")
class OverwritesWhatStands(RemoteBlobs):
    async def put(self, name: str, parts: AsyncIterator[bytes], *, replace: bool = False) -> Blob:
        return await super().put(name, parts, replace=True)


@breaks("BLOB-05")
class KeepsTheHalf(RemoteBlobs):
    async def put(self, name: str, parts: AsyncIterator[bytes], *, replace: bool = False) -> Blob:
        kept = bytearray()
        try:
            async for part in parts:
                kept += part
        except PortError:
            raise
        except Exception:
            await super().put(name, _one(bytes(kept)), replace=replace)
            raise
        return await super().put(name, _one(bytes(kept)), replace=replace)


@breaks("BLOB-06")
class LeavesItsDraft(RemoteBlobs):
    async def put(self, name: str, parts: AsyncIterator[bytes], *, replace: bool = False) -> Blob:
        self.folder.mkdir(exist_ok=True)
        draft = self.folder / f".{name}.draft"
        draft.write_bytes(b"")
        blob = await super().put(name, parts, replace=replace)
        draft.unlink()
        return blob


@breaks("BLOB-06")
class SwallowsCancellation(RemoteBlobs):
    async def put(self, name: str, parts: AsyncIterator[bytes], *, replace: bool = False) -> Blob:
        try:
            return await super().put(name, parts, replace=replace)
        except asyncio.CancelledError:
            return Blob(name=name, size=0, written_at=datetime.now(UTC))


@breaks("BLOB-07")
class FindsNothing(RemoteBlobs):
    async def get(self, name: str) -> AsyncIterator[bytes]:
        try:
            async for part in self.inner.get(name):
                yield part
        except NotFound:
            return


@breaks("BLOB-07", "BLOB-12")
class AlwaysDeletes(RemoteBlobs):
    async def delete(self, name: str) -> bool:
        await self.inner.delete(name)
        return True


@breaks("BLOB-08")
class ListsByAge(RemoteBlobs):
    async def list(self, *, prefix: str = "") -> list[Blob]:
        return sorted(await self.inner.list(prefix=prefix), key=lambda blob: blob.written_at)


@breaks("BLOB-08")
class ListsByPattern(RemoteBlobs):
    async def list(self, *, prefix: str = "") -> list[Blob]:
        if "*" in prefix:
            prefix = prefix.partition("*")[0]
        return await self.inner.list(prefix=prefix)


@breaks("BLOB-08")
class ListsWithoutSizes(RemoteBlobs):
    async def list(self, *, prefix: str = "") -> list[Blob]:
        return [msgspec.structs.replace(blob, size=0) for blob in await self.inner.list(prefix=prefix)]


@breaks("BLOB-10")
class MakesNamesHarmless(RemoteBlobs):
    async def put(self, name: str, parts: AsyncIterator[bytes], *, replace: bool = False) -> Blob:
        try:
            return await super().put(name, parts, replace=replace)
        except Rejected:
            return await super().put("harmless", parts, replace=True)


@breaks("BLOB-11")
class TakesPlainNamesOnly(RemoteBlobs):
    async def put(self, name: str, parts: AsyncIterator[bytes], *, replace: bool = False) -> Blob:
        if not name.isascii():
            raise Rejected("name: letters and digits only", "name")
        return await super().put(name, parts, replace=replace)


@breaks("BLOB-12")
class DeletesByPrefix(RemoteBlobs):
    async def delete(self, name: str) -> bool:
        there = await self.inner.delete(name)
        for blob in await self.inner.list(prefix=name):
            await self.inner.delete(blob.name)
        return there


@breaks("BLOB-13")
class HasOneDraft(RemoteBlobs):
    draft = bytearray()

    async def put(self, name: str, parts: AsyncIterator[bytes], *, replace: bool = False) -> Blob:
        HasOneDraft.draft = bytearray()
        async for part in parts:
            HasOneDraft.draft += part
        return await super().put(name, _one(bytes(HasOneDraft.draft)), replace=replace)
