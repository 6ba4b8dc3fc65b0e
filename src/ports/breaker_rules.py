"""What every circuit breaker takes for a failure, and which thresholds it refuses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .errors import Misconfigured, Unavailable

if TYPE_CHECKING:
    from .circuit_breaker import Thresholds

FAILURES = (Unavailable, OSError, TimeoutError)
"""Any other exception means that the backend answered; what is no `Exception` means nothing."""


def check_thresholds(name: str, thresholds: Thresholds) -> None:
    for setting, value in (("failures", thresholds.failures), ("successes", thresholds.successes)):
        if value < 1:
            raise Misconfigured(f"circuit {name!r}: threshold {setting} {value} is not allowed (1 or more)")
    if not 0 < thresholds.reset_timeout < math.inf:
        raise Misconfigured(
            f"circuit {name!r}: reset_timeout {thresholds.reset_timeout} is not allowed (more than 0 seconds)"
        )
