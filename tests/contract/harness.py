"""What a contract class needs to know of an adapter in order to try it.

One harness is one fresh, empty backend. `open` gives the adapter under test, entered; `second_client` another client of
the same backend, as another process or host would be one. Time in the backend moves by `advance`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

Port_co = TypeVar("Port_co", covariant=True)


class HarnessCapabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What the harness can do to its backend; a clause that needs more is skipped, and says so.

    `second_client`: several clients can share the backend. `sever`: the backend can be made unreachable.
    `durable`: closing every client and opening again finds what was kept.
    """

    second_client: bool = False
    sever: bool = False
    durable: bool = False


class Bench(msgspec.Struct, frozen=True, kw_only=True):
    """What a descriptor's harness function is told, once a clause. `url`: where the backend is that is to be used, as
    whoever certifies has said it (empty: choose or start one). `folder`: empty, for this clause alone, gone after it.
    """

    url: str = ""
    folder: Path


class Harness(Protocol[Port_co]):
    @property
    def capabilities(self) -> HarnessCapabilities: ...

    def open(self) -> AbstractAsyncContextManager[Port_co]:
        """May be entered again after it was left: then it is a restart on the same backend."""
        ...

    def second_client(self) -> AbstractAsyncContextManager[Port_co]: ...

    async def advance(self, seconds: float) -> None:
        """Return once the backend's clock has moved on and whatever was due by then has run."""
        ...

    async def sever(self) -> None:
        """Cut every client off from the backend until `heal`."""
        ...

    async def heal(self) -> None: ...
