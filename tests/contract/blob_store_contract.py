"""The BlobStore contract, complete (BLOB-01 to BLOB-13): subclass `BlobStoreContract` and override `harness`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

import pytest

from agent_memory.ports.blobs import NAME_BYTES, BlobStore
from agent_memory.ports.errors import Conflict, NotFound, Rejected

from .harness import Harness
from .suite import TURNS, Suite, cancelled, level, soon, turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HOSTILE = (
    "", ".", "..", ".hidden", "../up", "/etc/passwd", "a/b", "a\\b", "a/../b", "nul\0", "line\nbreak", "bell\x07",
    "right-to-left\u202e", "x" * (NAME_BYTES + 1), "é" * (NAME_BYTES // 2 + 1), "lone\ud800",
)  # fmt: skip
FRIENDLY = ("a", "friday.jsonl", "no ending", "two.dots.md", "日本語.json", "x" * NAME_BYTES)


class BlobHarness(Harness[BlobStore], Protocol):
    def leftovers(self) -> list[str]:
        """What lies in the store's place and is no blob."""
        ...


class LostError(Exception):
    """What a source of parts raises."""


async def parts_of(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def read(store: BlobStore, name: str) -> bytes:
    return b"".join([part async for part in store.get(name)])


async def names(store: BlobStore, prefix: str = "") -> list[str]:
    return [blob.name for blob in await store.list(prefix=prefix)]


class BlobStoreContract(Suite):
    @pytest.fixture
    def harness(self) -> BlobHarness:
        raise NotImplementedError("give a fresh, empty backend")

    async def test_blob_01_a_blob_is_what_was_put(self, harness: BlobHarness) -> None:
        """Its parts one after the other, whatever their sizes; it comes back in parts of at most 1 MiB."""
        parts = (b"a", b"", b"\0\xff" * 700_000, b"\n", b"end")
        async with harness.open() as store:
            blob = await store.put("x.bin", parts_of(*parts))
            assert (blob.name, blob.size) == ("x.bin", len(b"".join(parts)))
            got = [part async for part in store.get("x.bin")]
            assert b"".join(got) == b"".join(parts)
            assert max(map(len, got)) <= 1024 * 1024
            assert await store.list() == [blob]

    async def test_blob_02_a_blob_may_be_empty(self, harness: BlobHarness) -> None:
        """It is there nevertheless."""
        async with harness.open() as store:
            assert (await store.put("empty", parts_of())).size == 0
            assert await read(store, "empty") == b""
            assert await names(store) == ["empty"]

    @level("concurrent")
    async def test_blob_03_a_name_is_taken_once(self, harness: BlobHarness) -> None:
        """Then it is a `Conflict`, and what stands stays; of several at once exactly one has its way."""
        async with harness.open() as store:
            await store.put("x", parts_of(b"first"))
            with pytest.raises(Conflict):
                await store.put("x", parts_of(b"second"))
            assert await read(store, "x") == b"first"
            tried = [store.put("y", parts_of(b"%d" % n)) for n in range(8)]
            done = await soon(asyncio.gather(*tried, return_exceptions=True))
            won = [n for n, outcome in enumerate(done) if not isinstance(outcome, BaseException)]
            assert len(won) == 1
            assert all(isinstance(outcome, Conflict) for n, outcome in enumerate(done) if n not in won)
            assert await read(store, "y") == b"%d" % won[0]
        assert harness.leftovers() == []

    async def test_blob_04_a_blob_is_replaced_in_one_step(self, harness: BlobHarness) -> None:
        """Whoever reads sees the former one or the new one, never a mixture or nothing."""
        size = 3 * 1024 * 1024
        async with harness.open() as store:
            await store.put("x", parts_of(b"a" * size), replace=True)
            reading = store.get("x")
            begun = await anext(reading)

            async def slowly() -> AsyncIterator[bytes]:
                for _ in range(3):
                    yield b"b" * (size // 3)
                    assert set(await read(store, "x")) == set(b"a")

            await store.put("x", slowly(), replace=True)
            rest = [part async for part in reading]
            assert set(begun + b"".join(rest)) == set(b"a")
            assert len(begun + b"".join(rest)) == size
            assert await read(store, "x") == b"b" * size

    async def test_blob_05_a_source_that_fails_leaves_nothing(self, harness: BlobHarness) -> None:
        """Its error passes through; what was there before stays."""

        async def failing() -> AsyncIterator[bytes]:
            yield b"half" * 100_000
            raise LostError

        async with harness.open() as store:
            await store.put("old", parts_of(b"old"))
            for name, replace in (("new", False), ("old", True)):
                with pytest.raises(LostError):
                    await store.put(name, failing(), replace=replace)
            assert await names(store) == ["old"]
            assert await read(store, "old") == b"old"
            with pytest.raises(NotFound):
                await read(store, "new")
        assert harness.leftovers() == []

    @level("faulty")
    async def test_blob_06_a_cancelled_put_leaves_all_or_nothing(self, harness: BlobHarness) -> None:
        """Whenever it is cancelled, and nothing unfinished is left lying about."""
        async with harness.open() as store:
            for number, after in enumerate(TURNS):
                call = asyncio.create_task(store.put(f"{number}", parts_of(*[b"part"] * 8)))
                await turns(after)
                await cancelled(call)
            for name in await names(store):
                assert await read(store, name) == b"part" * 8
            # One whose last step still ran when its caller was gone has ended by the next one's end.
            await store.put("last", parts_of(b"x"))
            assert "last" in await names(store)
            async with asyncio.timeout(10):
                while harness.leftovers():
                    await store.list()

    async def test_blob_07_what_is_not_there_is_not_found(self, harness: BlobHarness) -> None:
        """Reading it is an error, deleting it is not; and there may be nothing at all."""
        async with harness.open() as store:
            assert await store.list() == []
            for _ in range(2):
                with pytest.raises(NotFound):
                    await read(store, "nothing")
                assert not await store.delete("nothing")
                await store.put("something", parts_of(b"x"), replace=True)

    async def test_blob_08_blobs_are_listed_by_name(self, harness: BlobHarness) -> None:
        """Those whose names begin with the prefix, which is plain text; with their sizes."""
        async with harness.open() as store:
            for name in ("b-2", "a", "b_1", "b-10", "B-1", "b*"):
                await store.put(name, parts_of(name.encode()))
            assert await names(store) == ["B-1", "a", "b*", "b-10", "b-2", "b_1"]
            assert await names(store, "b-") == ["b-10", "b-2"]
            assert await names(store, "b*") == ["b*"]
            assert [blob.size for blob in await store.list(prefix="b")] == [2, 4, 3, 3]

    async def test_blob_09_what_is_being_put_is_not_listed(self, harness: BlobHarness) -> None:
        """Nor read, until all of it is there."""
        async with harness.open() as store:
            seen: list[list[str]] = []

            async def watched() -> AsyncIterator[bytes]:
                for _ in range(3):
                    yield b"x" * 100_000
                    seen.append(await names(store))
                    with pytest.raises(NotFound):
                        await read(store, "x")

            await store.put("x", watched())
            assert seen == [[], [], []]
            assert await names(store) == ["x"]

    async def test_blob_10_no_name_leads_elsewhere(self, harness: BlobHarness) -> None:
        """Paths, hidden names, control characters: `Rejected` by every call, and nothing is written."""
        async with harness.open() as store:
            await store.put("x", parts_of(b"x"))
            for name in HOSTILE:
                with pytest.raises(Rejected):
                    await store.put(name, parts_of(b"evil"), replace=True)
                with pytest.raises(Rejected):
                    await read(store, name)
                with pytest.raises(Rejected):
                    await store.delete(name)
            assert await names(store) == ["x"]
        assert harness.leftovers() == []

    async def test_blob_11_any_base_name_will_do(self, harness: BlobHarness) -> None:
        """Blanks, other scripts, up to 200 bytes; what is put under it is found under it."""
        async with harness.open() as store:
            for name in FRIENDLY:
                await store.put(name, parts_of(name.encode()))
            assert await names(store) == sorted(FRIENDLY)
            for name in FRIENDLY:
                assert await read(store, name) == name.encode()

    async def test_blob_12_a_deleted_blob_is_gone(self, harness: BlobHarness) -> None:
        """Whoever had begun to read it reads on; its name is free again."""
        async with harness.open() as store:
            await store.put("x", parts_of(b"x" * 2_000_000))
            await store.put("xx", parts_of(b"stays"))
            reading = store.get("x")
            begun = await anext(reading)
            assert await store.delete("x")
            assert not await store.delete("x")
            assert await names(store) == ["xx"]
            assert begun + b"".join([part async for part in reading]) == b"x" * 2_000_000
            await store.put("x", parts_of(b"new"))
            assert await read(store, "x") == b"new"

    @level("concurrent")
    async def test_blob_13_puts_at_once_do_not_mix(self, harness: BlobHarness) -> None:
        """Each blob holds its own parts."""

        async def numbered(number: int) -> AsyncIterator[bytes]:
            for _ in range(20):
                yield b"%02d" % number * 1000
                await asyncio.sleep(0)

        async with harness.open() as store:
            await soon(asyncio.gather(*(store.put(f"{n}", numbered(n)) for n in range(10))))
            for n in range(10):
                assert await read(store, f"{n}") == b"%02d" % n * 20_000
        assert harness.leftovers() == []
