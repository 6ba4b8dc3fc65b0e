"""Worker: a place for work that computes, so that the event loop does not wait for it.

Promises. One piece at a time, in the order given, on one thread; the loop goes on meanwhile. What a piece raises is
raised to its caller. A caller that is cancelled leaves its piece to be done or dropped; the next one waits for it.

Not promised. Speed beside other work of this process: Python runs one thread at a time, and gives way every 5 ms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

T = TypeVar("T")


class Worker(Protocol):
    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def run(self, work: Callable[[], T]) -> T: ...
