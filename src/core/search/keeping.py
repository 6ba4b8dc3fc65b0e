"""The index in its sidecar: saved from time to time, and taken from there at a start if it is of this very store."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from ...ports.sidecar import Sidecar
    from ...ports.storage import Storage
    from ...ports.worker import Worker
    from .index import Index
    from .saved import Mark

_WORTH_SAVING = 1_000
"""Entries. Fewer are read from the store in no time."""
_SAVE_EVERY = 5_000
"""Events: what a start then has to go through at most, in about half a second."""

_encode = msgspec.json.Encoder().encode


class Keeping:
    def __init__(self, storage: Storage, worker: Worker, sidecar: Sidecar | None) -> None:
        self._storage = storage
        self._worker = worker
        self._sidecar = sidecar
        self._saved_seq = 0
        self._dropped = 0

    def due(self, index: Index, seq: int) -> bool:
        return (
            self._sidecar is not None and len(index) >= _WORTH_SAVING and seq - self._saved_seq >= _SAVE_EVERY
        )

    async def load(self, head: int, most: int) -> tuple[int, Index] | None:
        """The index and the event that it has followed to; at most `most` events before the head."""
        data = None if self._sidecar is None else await self._sidecar.load()
        found = None if data is None else await self._worker.run(lambda: _read(data))
        if found is None:
            return None
        mark, index = found
        if not 0 <= head - mark.seq <= most or await self._event(mark.seq) != mark.event:
            return None
        self._saved_seq = mark.seq
        return mark.seq, index

    async def copy(self, index: Index, seq: int) -> list[bytes]:
        """What is to be saved, as it stands now; empty when that cannot be."""
        event = await self._event(seq)
        if event is None:
            return []
        self._saved_seq = seq
        return await self._worker.run(lambda: _written(index, seq, event))

    async def save(self, parts: list[bytes], dropped: int) -> None:
        if self._sidecar is None or not parts:
            return
        await self._sidecar.save(parts)
        if dropped != self._dropped:
            await self._sidecar.drop()

    @property
    def dropped(self) -> int:
        """How often; a copy made before a drop must not stay."""
        return self._dropped

    async def drop(self) -> None:
        self._dropped += 1
        self._saved_seq = 0
        if self._sidecar is not None:
            await self._sidecar.drop()

    async def _event(self, seq: int) -> str | None:
        """What the outbox has there, as a digest; None when it is no longer there."""
        events = await self._storage.outbox(seq - 1, limit=1) if seq > 0 else []
        if not events or events[0].seq != seq:
            return None
        return blake2b(_encode(events[0]), digest_size=16).hexdigest()


def _read(data: bytes) -> tuple[Mark, Index] | None:
    from .saved import Damaged, from_bytes, mark_of  # noqa: PLC0415 - loads numpy

    try:
        return mark_of(data), from_bytes(data)
    except Damaged:
        return None


def _written(index: Index, seq: int, event: str) -> list[bytes]:
    from .saved import Mark, to_bytes  # noqa: PLC0415 - loads numpy

    return to_bytes(index, Mark(seq, event))
