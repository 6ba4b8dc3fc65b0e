"""A disk that is full or read-only, and a file that is not ours: a clear error, and nothing half-written."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from typing import TYPE_CHECKING

import pytest
from store_processes import COMMAND, ToolFailed, call, environment, found_by, opened, remembered, server

if TYPE_CHECKING:
    from pathlib import Path

    from agent_memory.entrypoints.stdio_client import StdioClient

EX_DATAERR, EX_CONFIG = 65, 78
PARAGRAPH = "the tide came in and covered the sand "
FEW_BLOCKS = ("sh", "-c", 'ulimit -f 2048; exec "$@"', "sh")
"""Files may grow to 1 MiB (or 2, where a block is 1,024 bytes)."""


def _can_mount() -> bool:
    unshare = shutil.which("unshare")
    return unshare is not None and (
        subprocess.run([unshare, "-rm", "true"], check=False, capture_output=True).returncode == 0
    )


needs_mounts = pytest.mark.skipif(not _can_mount(), reason="cannot mount in a namespace of its own")


def small_disk(folder: Path) -> tuple[str, ...]:
    """A command that runs the next with a file system of 1 MiB on `folder`."""
    script = f"mount -t tmpfs -o size=1m none '{folder}' && exec \"$@\""
    return ("unshare", "-rm", "sh", "-c", script, "sh")


async def fill(client: StdioClient) -> tuple[list[str], str]:
    """Ids of what was acknowledged, and the first error."""
    ids: list[str] = []
    while len(ids) < 2_000:
        content = f"grain{len(ids)} " + PARAGRAPH * 100
        try:
            ids.append(await remembered(client, content, tags=["sand"]))
        except ToolFailed as failure:
            return ids, str(failure)
    raise AssertionError("the disk never became full")


async def test_a_file_that_may_not_grow_refuses_writes_and_keeps_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    async with server(path, *FEW_BLOCKS) as client:
        ids, failure = await fill(client)
        assert "try again" in failure.lower()
        assert ids
        got = await call(client, "get", ids=ids[:100])
        assert len(got["entries"]) == len(ids[:100])
    async with opened(path) as storage:
        assert await storage.verify() == []
        assert {entry.id for entry in await storage.get(ids)} == set(ids)
        assert await storage.outbox_head() == len(ids)
        assert await found_by(storage, f"grain{len(ids)}") == [], "the refused write is there"


async def test_once_there_is_room_again_it_writes_again(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    async with server(path, *FEW_BLOCKS) as client:
        ids, _ = await fill(client)
    async with server(path) as client:
        entry_id = await remembered(client, "there is room again")
        found = await call(client, "recall", query="room")
        assert [result["id"] for result in found["results"]] == [entry_id]
        await call(client, "forget", ids=ids[:10])
    async with opened(path) as storage:
        assert await storage.verify() == []


@needs_mounts
async def test_a_full_disk_is_a_retryable_error_and_reads_go_on(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    async with server(folder / "memory.db", *small_disk(folder)) as client:
        ids, failure = await fill(client)
        assert "try again" in failure.lower()
        assert "full" in failure
        found = await call(client, "recall", query="grain0")
        assert [result["id"] for result in found["results"]] == ids[:1]
        got = await call(client, "get", ids=ids)
        assert len(got["entries"]) == len(ids)
        assert (await call(client, "recall", query=f"grain{len(ids)}"))["results"] == []


def refused(path: Path, *wrapper: str) -> tuple[int, list[str]]:
    """Exit code and the lines on stderr of a start that should fail."""
    ended = subprocess.run(
        [*wrapper, *COMMAND], env=environment(path), input=b"", capture_output=True, timeout=30, check=False
    )
    assert ended.stdout == b""
    return ended.returncode, ended.stderr.decode().splitlines()


def assert_one_clear_line(lines: list[str], path: Path) -> None:
    assert len(lines) == 1, lines
    assert lines[0].startswith("agent-memory: ")
    assert str(path) in lines[0]


def test_a_folder_that_cannot_be_made_is_one_line_and_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    path = tmp_path / "file" / "memory.db"
    code, lines = refused(path)
    assert code == EX_CONFIG
    assert_one_clear_line(lines, path)


@needs_mounts
def test_a_read_only_folder_is_one_line_and_a_configuration_error(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    script = f"mount --bind '{folder}' '{folder}' && mount -o remount,ro,bind '{folder}' && exec \"$@\""
    code, lines = refused(folder / "memory.db", "unshare", "-rm", "sh", "-c", script, "sh")
    assert code == EX_CONFIG
    assert_one_clear_line(lines, folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anything")
async def test_a_read_only_file_is_one_line_and_a_configuration_error(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    async with opened(path):
        pass
    path.chmod(0o400)
    code, lines = refused(path)
    assert code == EX_CONFIG
    assert_one_clear_line(lines, path)


def test_a_damaged_file_is_one_line_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    damaged = b"SQLite format 3\0" + b"\xa5" * 8000
    path.write_bytes(damaged)
    code, lines = refused(path)
    assert code == EX_DATAERR
    assert_one_clear_line(lines, path)
    assert path.read_bytes() == damaged


def test_a_file_that_is_no_database_is_one_line_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    path.write_text("Dear diary, " * 1000)
    code, lines = refused(path)
    assert code == EX_DATAERR
    assert_one_clear_line(lines, path)
    assert path.read_text() == "Dear diary, " * 1000


def test_the_database_of_another_program_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    other = sqlite3.connect(path)
    other.executescript("CREATE TABLE entries (anything TEXT); INSERT INTO entries VALUES ('theirs');")
    other.close()
    before = path.read_bytes()
    code, lines = refused(path)
    assert code == EX_CONFIG
    assert_one_clear_line(lines, path)
    assert path.read_bytes() == before
