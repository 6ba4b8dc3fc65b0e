r"""BlobStore: named files of any size, each written once and read as a stream: exports, backups.

Promises. `put` is atomic and durable: once it returns, the blob is whole and on stable storage; after an error nothing
of it is ever listed or read, after a cancellation or a kill all of it or nothing. Whoever reads a blob reads one
version of it to its end, whatever is put or deleted meanwhile. Memory stays bounded, however large a blob is. Only its
owner can read it.

Not promised. Order of names other than by code point; that two stores over one place see each other's deletions at
once.

Names are base names: 1 to 200 bytes of UTF-8 without '/', '\' or control characters, not beginning with '.'
(`checked_blob_name`). Anything else is `Rejected`, so that no name reaches outside the store's place; neither does one
that stands there for something else (a link, a folder, a device).

Errors: `NotFound`, `Conflict` (the name is taken), `Rejected`, `Unavailable` (also: disk full, read-only, not there).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import msgspec

from .errors import Rejected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NAME_BYTES = 200


class Blob(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    size: int
    written_at: datetime


class BlobStore(Protocol):
    async def put(self, name: str, parts: AsyncIterator[bytes], *, replace: bool = False) -> Blob:
        """The parts one after the other. An error or cancellation from `parts` passes through. Where the name is taken:
        `Conflict`, or with `replace` the former one gives way in one step.
        """
        ...

    def get(self, name: str) -> AsyncIterator[bytes]:
        """In parts of at most 1 MiB. `NotFound` by the first part asked for."""
        ...

    async def list(self, *, prefix: str = "") -> list[Blob]:
        """By name. `prefix` is plain text."""
        ...

    async def delete(self, name: str) -> bool:
        """Whether it was there."""
        ...


def checked_blob_name(name: str, field: str = "name") -> str:
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise Rejected(f"{field}: lone surrogate; send valid Unicode", field) from None
    if not 1 <= size <= NAME_BYTES:
        raise Rejected(f"{field}: {size} bytes; a name has 1 to {NAME_BYTES}", field)
    if name.startswith(".") or any(c in "/\\" or not c.isprintable() for c in name):
        raise Rejected(
            f"{field} {name[:80]!r}: give a base name such as 'friday.jsonl'; '/', '\\', control characters and a "
            "leading '.' are not allowed",
            field,
        )
    return name
