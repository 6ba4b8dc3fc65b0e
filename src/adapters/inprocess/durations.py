from __future__ import annotations

import math


def seconds_until(due: float, now: float) -> float:
    """From `now` to `due`, never negative. Rounded up where floats would make `now + seconds` fall short of `due`."""
    seconds = max(0.0, due - now)
    return seconds if now + seconds >= due else seconds + math.ulp(due)
