"""The CircuitBreaker contract, complete: subclass `CircuitBreakerContract` and override `harness`."""

from __future__ import annotations

from .breaker_cut_off import BreakerCutOff
from .breaker_states import BreakerHarness

__all__ = ["BreakerHarness", "CircuitBreakerContract"]


class CircuitBreakerContract(BreakerCutOff):
    """BREAKER-01 to BREAKER-15 are in `breaker_states`, BREAKER-21 to BREAKER-37 in `breaker_probes`,
    BREAKER-38 to BREAKER-41 in `breaker_cut_off`."""
