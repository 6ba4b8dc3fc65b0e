"""A clause that hangs fails, so that a certification ends."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from _pytest.outcomes import Failed

if TYPE_CHECKING:
    from collections.abc import Generator

PATIENCE = 120.0
"""Seconds. Clauses wait for what must come no longer than a quarter of it (`suite.SAFETY`)."""
_AGAIN = 5.0
"""An event loop may take the first for the failure of a task that nobody waits for."""


class Bounding:
    """For each phase of a clause. Where pytest-timeout is in use the signal is its own, and so is the limit."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, object, object]:
        with self._limit(item):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        with self._limit(item):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, object, object]:
        with self._limit(item):
            return (yield)

    @contextmanager
    def _limit(self, item: pytest.Item) -> Generator[None]:
        at_home = threading.current_thread() is threading.main_thread()
        if not at_home or not hasattr(signal, "SIGALRM") or item.config.pluginmanager.hasplugin("timeout"):
            yield
            return
        former = signal.signal(signal.SIGALRM, self._give_up)
        signal.setitimer(signal.ITIMER_REAL, self._seconds, _AGAIN)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, former)

    def _give_up(self, *_: object) -> None:
        raise Failed(f"it hangs: no end after {self._seconds:g} s")
