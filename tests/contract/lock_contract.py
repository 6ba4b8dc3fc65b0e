"""The Lock contract, complete: subclass `LockContract` and override `harness`."""

from __future__ import annotations

from .lock_explored import LockExplored


class LockContract(LockExplored):
    """LOCK-01 to LOCK-30, LOCK-54 and LOCK-55 are in `lock_leases`, LOCK-31 to LOCK-50 in `lock_waits`, LOCK-51 to
    LOCK-53 in `lock_explored`.
    """
