"""The admin key: who may do what cannot be undone, where the server was started with one. Asked for in one place."""

from __future__ import annotations

from collections import deque
from hmac import compare_digest
from typing import TYPE_CHECKING, Final

from ..ports.errors import RateLimited, Rejected
from ..ports.scopes import GLOBAL

if TYPE_CHECKING:
    from ..core.caller import Caller
    from ..ports.clock import Clock
    from .logs import Log

WRONG_KEYS: Final = 10
"""Wrong keys within `WINDOW` seconds, after which no key is looked at until it is over: 14,400 guesses a day."""
WINDOW: Final = 60.0
_CALLERS: Final = 1_000


def is_admin(given: str | None, needed: str) -> bool:
    """Whether the key is the one, or none is needed. Compared in constant time."""
    return not needed or compare_digest(
        (given or "").encode("utf-8", "surrogatepass"), needed.encode("utf-8", "surrogatepass")
    )


def check_whole_store(caller: Caller, what: str) -> None:
    """For what cannot be kept within a scope. `Rejected` where the caller is."""
    if caller.ceiling != GLOBAL:
        raise Rejected(
            f"{what}: of the whole store, and this is limited to {caller.ceiling!r} and what is below it "
            "(AGENT_MEMORY_SCOPE)",
            "scope",
        )


class AdminGuard:
    """Wrong keys are logged, never with the key, and counted by what a caller cannot choose: its ceiling and the agent
    that it is pinned to. So whoever guesses under another pin locks nobody else out.
    """

    def __init__(self, clock: Clock, log: Log) -> None:
        self._clock = clock
        self._log = log
        self._wrong: dict[tuple[str, str], deque[float]] = {}

    def __len__(self) -> int:
        """How many callers' wrong keys are remembered."""
        return len(self._wrong)

    def check(self, given: str | None, needed: str, caller: Caller, what: str, outcome: str) -> None:
        """Returns where the call may go on. `what` needs the key, `outcome` says what has not been done without it:
        `("purging", "nothing was purged")`. `Rejected` names the argument; `RateLimited` after too many wrong ones.
        """
        if not needed:
            return
        if not given:
            raise Rejected(
                f"admin_key is missing: {what} needs the one that this server was started with", "admin_key"
            )
        wrong = self._wrong_ones(caller)
        if len(wrong) >= WRONG_KEYS:
            wait = wrong[0] + WINDOW - self._clock.monotonic()
            raise RateLimited(
                f"admin_key: {WRONG_KEYS} wrong ones within {WINDOW:g} s, so that none is looked at for {wait:.0f} s; "
                f"{outcome}",
                wait,
            )
        if not is_admin(given, needed):
            wrong.append(self._clock.monotonic())
            self._log.warning(
                "wrong admin key", tool=caller.tool, client=ascii(caller.client), agent=ascii(caller.agent),
                scope=caller.ceiling, wrong=len(wrong),
            )  # fmt: skip
            raise Rejected(f"admin_key is wrong: {outcome}", "admin_key")

    def _wrong_ones(self, caller: Caller) -> deque[float]:
        """Those that still count."""
        who = caller.ceiling, caller.agent
        if who not in self._wrong and len(self._wrong) >= _CALLERS:
            del self._wrong[next(iter(self._wrong))]
        wrong = self._wrong.setdefault(who, deque())
        while wrong and wrong[0] <= self._clock.monotonic() - WINDOW:
            wrong.popleft()
        return wrong
