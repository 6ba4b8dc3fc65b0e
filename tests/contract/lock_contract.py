"""The Lock contract, complete: subclass `LockContract` and override `harness`."""

from __future__ import annotations

from .forgetting import LockForgetting
from .lock_explored import LockExplored


class LockContract(LockExplored, LockForgetting):
    """LOCK-01 to LOCK-30, LOCK-54 and LOCK-55 are in `lock_leases`, LOCK-31 to LOCK-50 in `lock_waits`, LOCK-51 to
    LOCK-53 in `lock_explored`, LOCK-61 to LOCK-63 in `forgetting`.
    """
