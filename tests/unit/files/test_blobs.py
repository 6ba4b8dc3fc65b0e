"""The folder of named files against those who can write into it, or stand in its place."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.files.blobs import FileBlobStore
from agent_memory.ports.errors import Conflict, NotFound, Rejected, Unavailable
from agent_memory_contract.blob_store_contract import parts_of, read

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

KILLED = """
import asyncio, os, sys
from agent_memory.adapters.files.blobs import FileBlobStore

async def parts():
    yield b"half"
    print("writing", flush=True)
    await asyncio.Event().wait()

asyncio.run(FileBlobStore(sys.argv[1]).put("x", parts()))
"""


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    former = os.umask(0)
    try:
        store = FileBlobStore(tmp_path / "new")
        await store.put("x", parts_of(b"x"))
    finally:
        os.umask(former)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "new" / "x").stat().st_mode) == 0o600


async def test_a_link_is_neither_read_nor_written_through(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("secret")
    folder = tmp_path / "blobs"
    folder.mkdir()
    (folder / "link").symlink_to(outside)
    (folder / "dangling").symlink_to(tmp_path / "new")
    store = FileBlobStore(folder)
    assert await store.list() == []
    for name in ("link", "dangling"):
        with pytest.raises(Rejected):
            await read(store, name)
        with pytest.raises(Conflict):
            await store.put(name, parts_of(b"evil"))
        with pytest.raises(Rejected):
            await store.put(name, parts_of(b"evil"), replace=True)
        with pytest.raises(Rejected):
            await store.delete(name)
    assert outside.read_text() == "secret"
    assert not (tmp_path / "new").exists()
    assert sorted(file.name for file in folder.iterdir()) == ["dangling", "link"]


async def test_what_is_no_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    store = FileBlobStore(tmp_path)
    assert await store.list() == []
    for name in ("folder", "pipe"):
        with pytest.raises(Rejected):
            await asyncio.wait_for(read(store, name), 10)
        with pytest.raises(Rejected):
            await store.put(name, parts_of(b"x"), replace=True)
        with pytest.raises(Rejected):
            await store.delete(name)


async def test_a_link_in_the_place_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "x").write_text("x")
    (tmp_path / "blobs").symlink_to(elsewhere)
    store = FileBlobStore(tmp_path / "blobs")
    for call in (store.put("y", parts_of(b"y")), read(store, "x"), store.list(), store.delete("x")):
        with pytest.raises(Unavailable):
            await call
    assert [file.name for file in elsewhere.iterdir()] == ["x"]


async def test_what_a_killed_writer_left_goes_with_the_next_put(tmp_path: Path) -> None:
    """That of one that lives stays."""
    store = FileBlobStore(tmp_path)
    command = (sys.executable, "-c", KILLED, str(tmp_path))
    writer = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert writer.stdout is not None
        await writer.stdout.readline()
        [draft] = names(tmp_path)
        await store.put("first", parts_of(b"1"))
        assert names(tmp_path) == [draft, "first"]
    finally:
        writer.kill()
        await writer.wait()
    with pytest.raises(NotFound):
        await read(store, "x")
    await store.put("second", parts_of(b"2"))
    assert names(tmp_path) == ["first", "second"]


async def test_a_full_or_closed_folder_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable):
        await FileBlobStore(tmp_path / "file").put("x", parts_of(b"x"))
    with pytest.raises(Unavailable):
        await FileBlobStore(tmp_path / "file" / "below").put("x", parts_of(b"x"))


@pytest.mark.skipif(sys.platform != "linux", reason="a folder in which nobody makes a file")
async def test_where_no_file_can_be_made_is_not_called_a_name_that_is_not_there() -> None:
    with pytest.raises(Unavailable, match="no file can be made there"):
        await FileBlobStore("/proc").put("x.json", parts_of(b"x"), replace=True)


async def test_a_put_that_is_given_up_leaves_no_draft(tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1000
            begun.set()

    task = asyncio.create_task(FileBlobStore(tmp_path).put("x", endless()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await FileBlobStore(tmp_path).list() == []
    await FileBlobStore(tmp_path).put("y", parts_of(b""))
    assert names(tmp_path) == ["y"]
