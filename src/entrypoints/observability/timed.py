"""Any port, with its calls timed.

Made from the methods that it is told to time, not written out: a method that a port gains is timed with the others.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from inspect import iscoroutinefunction
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, cast

from ...ports.errors import PortError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    Note = Callable[[str, str, float], None]

P = TypeVar("P")

OK: Final = "ok"
DEFECT: Final = "defect"
"""An outcome is `ok`, the code of a `PortError`, or this: anything that a port should not raise."""


def coroutines_of(port: type) -> tuple[str, ...]:
    return tuple(
        name for name in dir(port) if not name.startswith("_") and iscoroutinefunction(getattr(port, name))
    )


def timed(port: P, operations: Iterable[str], note: Note, *, blocks: Iterable[str] = ()) -> P:
    """`note` is told the operation, its outcome and its seconds when it has ended, unless it was cancelled: that says
    nothing about the port. `blocks` are methods that return an async context manager, timed from entry to exit.
    """
    proxy = _Timed(port)
    for name in operations:
        setattr(proxy, name, _timed(getattr(port, name), name, note))
    for name in blocks:
        setattr(proxy, name, _timed_block(getattr(port, name), name, note))
    return cast("P", proxy)


class _Timed:
    """Entered and left as what it stands for; what is not timed is that one's own."""

    def __init__(self, port: Any) -> None:
        self._port = port

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if callable(found):
            setattr(self, name, found)
        return found

    async def __aenter__(self) -> Self:
        await self._port.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._port.__aexit__(kind, error, trace)


def _timed(method: Callable[..., Any], name: str, note: Note) -> Callable[..., Any]:
    async def call(*arguments: Any, **named: Any) -> Any:
        begun = perf_counter()
        try:
            result = await method(*arguments, **named)
        except Exception as error:
            note(name, outcome_of(error), perf_counter() - begun)
            raise
        note(name, OK, perf_counter() - begun)
        return result

    return call


def _timed_block(
    method: Callable[..., AbstractAsyncContextManager[Any]], name: str, note: Note
) -> Callable[..., AbstractAsyncContextManager[Any]]:
    @asynccontextmanager
    async def block(*arguments: Any, **named: Any) -> AsyncGenerator[Any]:
        begun = perf_counter()
        try:
            async with method(*arguments, **named) as entered:
                yield entered
        except Exception as error:
            note(name, outcome_of(error), perf_counter() - begun)
            raise
        note(name, OK, perf_counter() - begun)

    return block


def outcome_of(error: Exception) -> str:
    return error.code if isinstance(error, PortError) else DEFECT
