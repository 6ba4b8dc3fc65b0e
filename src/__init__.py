"""Agent Memory: what an agent learned, kept, found again, shared.

async with agent_memory.open_memory("notes.db") as memory:
    await memory.remember("We deploy on Fridays", scope="acme/shop")
    hits = await memory.recall("when do we deploy?", scope="acme/shop")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .entrypoints.library import OpenMemory, open_memory
    from .ports.errors import Conflict, NotFound, PortError, Rejected, Unavailable

__version__ = "0.1.0"
__all__ = [
    "Conflict",
    "NotFound",
    "OpenMemory",
    "PortError",
    "Rejected",
    "Unavailable",
    "__version__",
    "open_memory",
]


def __getattr__(name: str) -> object:
    # Loaded on first use: the command line needs none of it to start.
    if name in {"OpenMemory", "open_memory"}:
        from .entrypoints import library  # noqa: PLC0415

        return getattr(library, name)
    if name in __all__:
        from .ports import errors  # noqa: PLC0415

        return getattr(errors, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
