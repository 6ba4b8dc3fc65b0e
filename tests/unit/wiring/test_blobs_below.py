"""Ceilings share one store of blobs, and none sees another's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.files.blobs import FileBlobStore
from agent_memory.entrypoints.blobs_below import BlobsBelow
from agent_memory.ports.errors import Conflict, NotFound, Rejected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def shared(tmp_path: Path) -> FileBlobStore:
    return FileBlobStore(tmp_path / "shared")


async def parts(text: bytes) -> AsyncIterator[bytes]:
    yield text


async def read(blobs: BlobsBelow | FileBlobStore, name: str) -> bytes:
    return b"".join([part async for part in blobs.get(name)])


async def test_each_has_its_own_of_a_name(shared: FileBlobStore) -> None:
    one, other = BlobsBelow(shared, "acme"), BlobsBelow(shared, "acme/app")
    await shared.put("a.json", parts(b"of all"))
    assert (await one.put("a.json", parts(b"one"))).name == "a.json"
    await other.put("a.json", parts(b"other"))
    assert [await read(each, "a.json") for each in (shared, one, other)] == [b"of all", b"one", b"other"]
    assert [blob.name for blob in await one.list()] == ["a.json"]
    assert [blob.name for blob in await one.list(prefix="b")] == []
    assert await one.delete("a.json")
    assert not await one.delete("a.json")
    assert await read(other, "a.json") == b"other"


async def test_no_name_reaches_anothers(shared: FileBlobStore) -> None:
    """Not even one that looks like what stands in the store."""
    await BlobsBelow(shared, "acme").put("a.json", parts(b"one"))
    [stored] = await shared.list()
    other = BlobsBelow(shared, "acme/app")
    with pytest.raises(NotFound):
        await read(other, stored.name)
    assert await other.list() == []


async def test_errors_name_what_was_asked_for(shared: FileBlobStore) -> None:
    below = BlobsBelow(shared, "acme")
    with pytest.raises(NotFound, match=r"^name 'a.json': there is none of that name$"):
        await read(below, "a.json")
    await below.put("a.json", parts(b"one"))
    with pytest.raises(Conflict, match=r"^name 'a.json': there is one of that name already"):
        await below.put("a.json", parts(b"two"))
    assert await read(below, "a.json") == b"one"
    with pytest.raises(Rejected, match="give a base name"):
        await below.put("../a.json", parts(b"one"))
    with pytest.raises(Rejected, match=r"^name: 162 bytes; a name has 1 to 161 here"):
        await below.put("n" * 162, parts(b"one"))
    await below.put("n" * 161, parts(b"one"))
