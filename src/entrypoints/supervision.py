"""Tasks that run as long as the daemon does. None dies unseen: it is restarted, or the daemon ends."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from ..ports.errors import PortError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .logs import Log

RESTARTS: Final = 5
WINDOW: Final = 300.0
_FIRST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 10.0


class TaskFailed(Exception):
    """A task of the daemon crashed more often than the rule allows. Its last error is the cause."""


def supervise(
    group: asyncio.TaskGroup,
    name: str,
    run: Callable[[], Awaitable[None]],
    *,
    log: Log,
    restarts: int = RESTARTS,
    window: float = WINDOW,
    first_wait: float = _FIRST_WAIT,
) -> asyncio.Task[None]:
    """Run `run()` in `group` until cancelled.

    When it crashes, or returns, it is started again after `first_wait` seconds, then twice that, up to 10 s, at most
    `restarts` times within `window` seconds. One time more, or an error that no second try can help (a wrong setting,
    a damaged store), ends the group by `TaskFailed`.
    """
    return group.create_task(
        _supervised(name, run, log=log, restarts=restarts, window=window, first_wait=first_wait), name=name
    )


async def _supervised(
    name: str,
    run: Callable[[], Awaitable[None]],
    *,
    log: Log,
    restarts: int,
    window: float,
    first_wait: float,
) -> None:
    crashes: list[float] = []
    while True:
        error = await _outcome(run)
        crashes = [*_since(crashes, window), time.monotonic()]
        if isinstance(error, PortError) and not error.retryable:
            raise TaskFailed(f"task {name} met an error that trying again cannot help") from error
        if len(crashes) > restarts:
            raise TaskFailed(f"task {name} crashed {len(crashes)} times within {window:g} s") from error
        what = "ended by itself" if error is None else "crashed"
        log.error(
            "a task of the daemon is started again", task=name, it=what, crashes=len(crashes), exc_info=error
        )
        await asyncio.sleep(min(first_wait * 2 ** (len(crashes) - 1), _LONGEST_WAIT))


async def _outcome(run: Callable[[], Awaitable[None]]) -> Exception | None:
    try:
        await run()
    except Exception as error:  # noqa: BLE001 - whatever it is, the rule decides
        return error
    return None


def _since(crashes: list[float], window: float) -> list[float]:
    oldest = time.monotonic() - window
    return [crash for crash in crashes if crash > oldest]
