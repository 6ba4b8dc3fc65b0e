"""The states of a circuit breaker and what moves it between them. Plain decisions: time is passed in.

Every outcome carries the generation it was admitted in. Each change of state begins another one, so an outcome that
comes too late to say anything about the present is told by its number.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ...ports.breaker_rules import check_thresholds
from ...ports.circuit_breaker import BreakerState, BreakerStatus, Thresholds, Transition
from ...ports.errors import CircuitOpen
from .durations import seconds_until

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)


class BreakerMachine:
    """One circuit. Breakers that share one guard the same backend."""

    def __init__(self, name: str, thresholds: Thresholds | None = None) -> None:
        self._name = name
        self._thresholds = Thresholds() if thresholds is None else thresholds
        check_thresholds(name, self._thresholds)
        self._state: BreakerState = "closed"
        self._generation = 0
        self._failures = 0
        self._successes = 0
        self._probing = False
        self._probe_at = 0.0
        self.listeners: list[Callable[[Transition], None]] = []

    def admit(self, now: float) -> int:
        """The generation to report the outcome with, just once, by `succeeded`, `failed` or `withdrawn`."""
        if self._state == "closed":
            return self._generation
        if self._state == "open":
            if now < self._probe_at:
                wait = seconds_until(self._probe_at, now)
                raise CircuitOpen(f"circuit {self._name!r}: open, tried again in {wait:.3g} s", wait)
            self._successes = 0
            self._enter("half-open")
        if self._probing:
            # How long the probe takes is not known; should it fail, the wait is this one.
            raise CircuitOpen(
                f"circuit {self._name!r}: half-open, a probe is under way", self._thresholds.reset_timeout
            )
        self._probing = True
        return self._generation

    def succeeded(self, generation: int) -> None:
        if generation != self._generation:
            return
        if self._state == "closed":
            self._failures = 0
            return
        self._probing = False
        self._successes += 1
        if self._successes >= self._thresholds.successes:
            self._failures = 0
            self._enter("closed")

    def failed(self, generation: int, now: float) -> None:
        if generation != self._generation:
            return
        self._failures += 1
        if self._state == "closed" and self._failures < self._thresholds.failures:
            return
        self._probe_at = now + self._thresholds.reset_timeout
        self._enter("open")

    def withdrawn(self, generation: int) -> None:
        """The block was cancelled: nothing was learned."""
        if generation == self._generation:
            self._probing = False

    def status(self, now: float) -> BreakerStatus:
        return BreakerStatus(
            name=self._name,
            state=self._state,
            failures=self._failures,
            successes=self._successes,
            retry_after=seconds_until(self._probe_at, now) if self._state == "open" else 0.0,
        )

    def _enter(self, state: BreakerState) -> None:
        transition = Transition(self._name, self._state, state)
        self._state = state
        self._generation += 1
        self._probing = False
        for listener in tuple(self.listeners):
            try:
                listener(transition)
            except Exception:  # noqa: BLE001 - the circuit has changed, whatever a listener makes of it
                _log.exception("circuit %r: a listener failed on %s", self._name, transition)
