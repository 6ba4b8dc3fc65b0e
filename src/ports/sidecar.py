"""Sidecar: one file beside the store, for what is derived from it and takes long to make again.

Promises. `load` gives what one earlier `save` was given, whole, or None; a save that was cut off at any instant leaves
the former one. Readable by its owner only.

Not promised. That it is there, that it is of this store or of now: it may be lost, restored from elsewhere, or damaged
by the disk. Whoever loads it checks that. Two processes that save: one of them wins, or one does not save.

Errors: none. What cannot be read is None, what cannot be written is not (`save` gives False): it is only a shortcut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Sidecar(Protocol):
    async def load(self) -> bytes | None: ...

    async def save(self, parts: Sequence[bytes]) -> bool:
        """The parts one after the other, in place of what was there."""
        ...

    async def drop(self) -> None:
        """Nothing of it stays, a save that was cut off included."""
        ...
