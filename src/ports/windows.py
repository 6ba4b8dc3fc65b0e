"""What windows and costs every rate limiter rejects."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .rate_limiter import Window

UNLIMITED = sys.maxsize
"""What remains where no window limits."""


def check_windows(windows: Sequence[Window], cost: int) -> None:
    if cost < 1:
        raise Rejected(f"cost {cost}: not allowed (1 or more)", "cost")
    for window in windows:
        if window.limit < 1:
            raise Rejected(f"window {window.key!r}: limit {window.limit} is not allowed (1 or more)", "limit")
        if not window.period > 0:
            raise Rejected(
                f"window {window.key!r}: period {window.period} is not allowed (more than 0)", "period"
            )
        if cost > window.limit:
            raise Rejected(f"cost {cost}: above the limit {window.limit} of window {window.key!r}", "cost")
