"""The Worker port on one thread, started with the first piece of work."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

T = TypeVar("T")


class ThreadWorker:
    def __init__(self, *, name: str = "worker") -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The piece under way is waited for, on another thread; those that wait are dropped."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        await asyncio.shield(asyncio.to_thread(self._executor.shutdown, wait=True))

    async def run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)
