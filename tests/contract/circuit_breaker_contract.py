"""The CircuitBreaker contract, complete: subclass `CircuitBreakerContract` and override `harness`."""

from __future__ import annotations

from .breaker_explored import BreakerExplored
from .breaker_states import BreakerHarness

__all__ = ["BreakerHarness", "CircuitBreakerContract"]


class CircuitBreakerContract(BreakerExplored):
    """BREAKER-01 to BREAKER-17 are in `breaker_states`, BREAKER-21 to BREAKER-37 in `breaker_probes`,
    BREAKER-38 to BREAKER-43 in `breaker_cut_off`, BREAKER-51 and BREAKER-52 in `breaker_explored`.
    """
