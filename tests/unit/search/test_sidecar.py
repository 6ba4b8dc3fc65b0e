"""The file beside the store: a start from it answers as one without it, and a bad one is as none."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from agent_memory.adapters.files.sidecar import FileSidecar
from agent_memory.adapters.inprocess.worker import ThreadWorker
from agent_memory.adapters.sqlite import SqliteStorage
from agent_memory.core.search.index import Index
from agent_memory.core.search.saved import Damaged, Mark, from_bytes, to_bytes
from agent_memory.core.search.searching import Search
from agent_memory.core.search.weights import Weights
from agent_memory.ports.changes import RemoveEntries
from agent_memory.ports.records import Vector
from agent_memory_contract.builders import adds, after, changed, entry, unit_vector

from .asking import ask, index_of
from .test_searching import EVERYWHERE
from .words_embedder import WordEmbedder

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

    from agent_memory_contract.manual_clock import ManualClock

pytestmark = pytest.mark.usefixtures("small")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Worth a file from the first entry and event on."""
    monkeypatch.setattr("agent_memory.core.search.keeping._WORTH_SAVING", 1)
    monkeypatch.setattr("agent_memory.core.search.keeping._SAVE_EVERY", 1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "memory.db-index"


@asynccontextmanager
async def searching(
    storage: SqliteStorage, clock: ManualClock, file: Path, **options: Any
) -> AsyncGenerator[Search]:
    async with ThreadWorker() as worker:
        search = Search(storage, worker, clock, sidecar=FileSidecar(file), patience=30, **options)
        yield search
        await search.idle()
        await search.close()


def mode_of(file: Path) -> int:
    return file.stat().st_mode & 0o777


def read(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""


def change(file: Path, how: Callable[[bytes], bytes]) -> None:
    file.write_bytes(how(file.read_bytes()))


async def found(search: Search, text: str) -> list[str]:
    answer = await search.find(text, EVERYWHERE, mode="lexical", limit=10, now=after(0))
    assert answer is not None
    return [hit.entry.id for hit in answer.hits]


async def _never(*_: object) -> None:
    raise AssertionError("read from the store")


async def test_a_start_from_the_file_follows_from_where_it_was(
    storage: SqliteStorage, clock: ManualClock, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, gone, second = entry("an okapi"), entry("okapi two"), entry("okapi three")
    await storage.apply(*adds(first, gone))
    async with searching(storage, clock, file) as search:
        assert await found(search, "okapi") == [gone.id, first.id]
    assert mode_of(file) == 0o600
    await storage.apply(*adds(second), RemoveEntries((gone.id,), at=after(1)))
    monkeypatch.setattr(storage, "query", _never)
    async with searching(storage, clock, file) as search:
        assert await found(search, "okapi") == [second.id, first.id]


def _flipped(data: bytes) -> bytes:
    return data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]


_DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "a byte short": lambda data: data[:-1],
    "half of it": lambda data: data[: len(data) // 2],
    "a byte more": lambda data: data + b"x",
    "a bit flipped": _flipped,
    "of another format": lambda data: data.replace(b"agent-memory index", b"agent-memory inde_", 1),
    "empty": lambda _: b"",
    "a line": lambda _: b"\n",
    "rubbish": lambda _: b"\xff" * 4_096,
    "without its head": lambda data: data.split(b"\n", 1)[1],
}


@pytest.mark.parametrize("damage", _DAMAGES.values(), ids=_DAMAGES)
async def test_a_damaged_file_is_as_none(
    storage: SqliteStorage, clock: ManualClock, file: Path, damage: Callable[[bytes], bytes]
) -> None:
    e = entry("an okapi")
    await storage.apply(*adds(e))
    async with searching(storage, clock, file) as search:
        await found(search, "okapi")
    change(file, damage)
    async with searching(storage, clock, file) as search:
        assert await found(search, "okapi") == [e.id]


async def test_the_file_of_another_store_is_as_none(
    storage: SqliteStorage, clock: ManualClock, file: Path, tmp_path: Path
) -> None:
    """With as many events, and more."""
    async with SqliteStorage(tmp_path / "other.db", clock=clock, origin="a") as other:
        await other.apply(*adds(entry("okapi elsewhere")))
        async with searching(other, clock, file) as search:
            await found(search, "okapi")
    mine = [entry("an okapi"), entry("okapi two")]
    await storage.apply(*adds(*mine))
    async with searching(storage, clock, file) as search:
        assert await found(search, "okapi") == [mine[1].id, mine[0].id]


async def test_the_file_of_a_history_that_was_rolled_back_is_as_none(
    clock: ManualClock, file: Path, tmp_path: Path
) -> None:
    """The store restored from a backup, and written to until it has as many events again."""
    kept, lost, new = entry("an okapi"), entry("okapi lost"), entry("okapi new")
    path, backup = tmp_path / "memory.db", tmp_path / "backup.db"
    async with SqliteStorage(path, clock=clock, origin="a") as storage:
        await storage.apply(*adds(kept))
    backup.write_bytes(path.read_bytes())
    async with SqliteStorage(path, clock=clock, origin="a") as storage:
        await storage.apply(*adds(lost))
        async with searching(storage, clock, file) as search:
            assert await found(search, "okapi") == [lost.id, kept.id]
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.write_bytes(backup.read_bytes())
    async with SqliteStorage(path, clock=clock, origin="a") as storage:
        await storage.apply(*adds(new))
        async with searching(storage, clock, file) as search:
            assert await found(search, "okapi") == [new.id, kept.id]


async def test_the_file_waits_for_the_vectors(
    storage: SqliteStorage, clock: ManualClock, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent_memory.core.search.follower._EMBEDDED_AT_ONCE", 0)
    await storage.apply(*adds(entry("a zebra"), entry("the deploy")))
    embedder = WordEmbedder()
    async with searching(storage, clock, file, quick=embedder) as search:
        await found(search, "zebra")
        await search.idle()
        assert read(file) == b""
        await found(search, "zebra")
    again = WordEmbedder()
    async with searching(storage, clock, file, quick=again) as search:
        await found(search, "zebra")
    assert read(file) != b""
    assert again.texts == []


async def test_what_the_outbox_no_longer_tells_is_read_from_the_store(
    storage: SqliteStorage, clock: ManualClock, file: Path
) -> None:
    first, second = entry("an okapi"), entry("okapi two")
    await storage.apply(*adds(first))
    async with searching(storage, clock, file) as search:
        await found(search, "okapi")
    await storage.apply(*adds(second))
    await storage.trim_outbox(await storage.outbox_head())
    async with searching(storage, clock, file) as search:
        assert await found(search, "okapi") == [second.id, first.id]


async def test_a_purge_leaves_no_word_in_the_file(
    storage: SqliteStorage, clock: ManualClock, file: Path
) -> None:
    secret, other = entry("the xylophone password", author="Zebulon"), entry("an okapi")
    await storage.apply(*adds(secret, other))
    async with searching(storage, clock, file) as search:
        await found(search, "okapi")
        await search.idle()
        assert b"xylophon" in read(file)
        await storage.apply(RemoveEntries((secret.id,), at=after(1), purge=True))
        await search.purged()
        assert read(file) == b""
        assert await found(search, "okapi") == [other.id]
    assert b"xylophon" not in read(file)
    assert b"Zebulon" not in read(file)


def _same(one: Index, other: Index) -> bool:
    questions = ("okapi giraffe", "what does Ada say of the okapi?", "kudu in January 2025", "okapi-rules")
    vectors = {"m v1": unit_vector(1, 0.3)}
    return all(
        ask(one, text, weights=Weights(), vectors=vectors)
        == ask(other, text, weights=Weights(), vectors=vectors)
        for text in questions
    )


def test_an_index_read_back_answers_alike_and_goes_on_alike() -> None:
    entries = [
        entry(f"okapi {n} and giraffe {n % 7} " * (1 + n % 50), title="Okapi rules" if n % 9 == 0 else "",
              scope=f"a/b/s{n % 5}", author=("Ada", "Ines", "")[n % 3], tags=("zoo",) if n % 4 == 0 else (),
              occurred_at=after(n * 1_000), expires_at=after(10**7) if n % 11 == 0 else None)
        for n in range(300)
    ]  # fmt: skip
    index = index_of(*entries)
    for n, e in enumerate(entries):
        index.put_vectors(e.id, "m v1", [Vector(values=unit_vector(1, n / 50))])
    index.remove(entries[3].id)
    again = from_bytes(b"".join(to_bytes(index, Mark(1, "x"))))
    assert _same(index, again)
    late = [
        entry("a late okapi", scope="a/b/s1"),
        changed(entries[5], content="kudu"),
        entry("Ada: new", scope="x"),
    ]
    for each in (index, again):
        for e in late:
            each.put(e)
        each.remove(entries[7].id)
    assert _same(index, again)


def test_an_empty_index_can_be_read_back() -> None:
    assert len(from_bytes(b"".join(to_bytes(Index(), Mark(0, ""))))) == 0


def test_a_section_that_is_missing_is_damage() -> None:
    data = b"".join(to_bytes(index_of(entry("okapi")), Mark(1, "x")))
    head, body = data.split(b"\n", 1)
    with pytest.raises(Damaged):
        from_bytes(head.replace(b'"docs.kind"', b'"docs.xind"') + b"\n" + body)


_KILLED = """
import asyncio, os, sys
from agent_memory.adapters.files.sidecar import FileSidecar
fsync = os.fsync
os.fsync = lambda descriptor: os.kill(os.getpid(), 9)
asyncio.run(FileSidecar(sys.argv[1]).save([b"new" * 100_000]))
"""


async def test_a_process_killed_while_it_writes_leaves_the_former_file(file: Path) -> None:
    sidecar = FileSidecar(file)
    assert await sidecar.save([b"for", b"mer"])
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", _KILLED, str(file))
    assert await killed.wait() == -9
    assert await sidecar.load() == b"former"
    assert await sidecar.save([b"x"])
    assert await sidecar.load() == b"x"
    assert [each.name for each in file.parent.iterdir()] == [file.name]


async def test_where_nothing_can_be_written_nothing_is(tmp_path: Path) -> None:
    sidecar = FileSidecar(tmp_path / "missing" / "index")
    assert not await sidecar.save([b"x"])
    assert await sidecar.load() is None
    await sidecar.drop()
