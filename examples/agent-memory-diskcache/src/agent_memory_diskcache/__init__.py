"""A cache for Agent Memory on diskcache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_memory.ports.adapter import CacheAdapter
from agent_memory.ports.cache import CacheCapabilities

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from agent_memory.ports.adapter import CacheSetup
    from agent_memory.ports.cache import Cache

CAPABILITIES = CacheCapabilities(name="diskcache", shared="process")


def make(setup: CacheSetup) -> AbstractAsyncContextManager[Cache]:
    from pathlib import Path  # noqa: PLC0415 - a descriptor is loaded to be listed, too

    from .cache import DiskCache  # noqa: PLC0415 - needs diskcache
    from .shelf import Shelf  # noqa: PLC0415 - same

    setup.refuse_other_options()
    folder = Path(setup.path) if setup.path else Path(setup.folder, "diskcache")
    shelf = Shelf(folder, max_bytes=setup.max_bytes, max_entries=setup.max_entries)
    return DiskCache(shelf, clock=setup.clock)


CACHE = CacheAdapter(
    contract=1,
    summary="files of this process, there again after a restart",
    capabilities=CAPABILITIES,
    make=make,
    harness="agent_memory_diskcache.certification:harness",
    needs=("diskcache",),
)
