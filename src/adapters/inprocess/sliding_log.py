"""Sliding logs: for each key, when each admitted hit stops counting. Exact, and plain data: time is passed in.

A hit admitted at t counts during [t, t + period), so a log that holds at most `limit` hits admits at most `limit` in
any period, wherever it begins. (A fixed window lets twice that through around its edge, a weighted pair of windows
only guesses.) Each hit is written once and dropped once; a key that is idle goes with the next hit on its period.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from itertools import repeat
from typing import TYPE_CHECKING

from ...ports.rate_limiter import Decision
from ...ports.windows import UNLIMITED, check_windows
from .durations import seconds_until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...ports.rate_limiter import Window


class SlidingLogs:
    """What a rate limiter counts. Adapters that share one are clients of one limiter."""

    def __init__(self) -> None:
        self._logs: dict[float, OrderedDict[str, deque[float]]] = {}

    def __len__(self) -> int:
        """How many keys are remembered."""
        return sum(map(len, self._logs.values()))

    def decide(self, windows: Sequence[Window], cost: int, now: float, *, consume: bool) -> Decision:
        """One synchronous step, so no other task can come between the question and the count."""
        check_windows(windows, cost)
        remaining = UNLIMITED
        wait = 0.0
        refused_by = ""
        for window in windows:
            log = self._log(window, now)
            used = len(log)
            remaining = min(remaining, window.limit - used)
            excess = used + cost - window.limit
            if excess > 0 and (longer := seconds_until(log[excess - 1], now)) > wait:
                wait, refused_by = longer, window.key
        if wait:
            return Decision(
                allowed=False, remaining=max(0, remaining), retry_after=wait, refused_by=refused_by
            )
        if consume:
            self._count(windows, cost, now)
        return Decision(allowed=True, remaining=remaining if not windows else remaining - cost)

    def _log(self, window: Window, now: float) -> deque[float]:
        """What counts in the window now; not kept if it is empty."""
        logs = self._logs.get(window.period)
        log = None if logs is None else logs.get(window.key)
        if log is None:
            return deque()
        while log and log[0] <= now:
            log.popleft()
        return log

    def _count(self, windows: Sequence[Window], cost: int, now: float) -> None:
        seen: set[tuple[float, str]] = set()
        for window in windows:
            if (window.period, window.key) in seen:
                continue  # The same hits under two limits: counted once, or the stricter limit would be halved.
            seen.add((window.period, window.key))
            logs = self._logs.get(window.period)
            if logs is None:
                logs = self._logs[window.period] = OrderedDict()
            log = logs.get(window.key)
            if log is None:
                log = logs[window.key] = deque()
            else:
                logs.move_to_end(window.key)
            log.extend(repeat(now + window.period, cost))
            self._forget_idle(logs, now)

    def _forget_idle(self, logs: OrderedDict[str, deque[float]], now: float) -> None:
        """Least recently hit first, so the first that still counts ends it: each key is dropped once."""
        while logs:
            key, log = next(iter(logs.items()))
            if log and log[-1] > now:
                return
            del logs[key]
