"""The CircuitBreaker contract, complete: subclass `CircuitBreakerContract` and override `harness`."""

from __future__ import annotations

from .breaker_probes import BreakerProbes
from .breaker_states import BreakerHarness

__all__ = ["BreakerHarness", "CircuitBreakerContract"]


class CircuitBreakerContract(BreakerProbes):
    """BREAKER-01 to BREAKER-15 are in `breaker_states`, BREAKER-21 to BREAKER-37 in `breaker_probes`."""
