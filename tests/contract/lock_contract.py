"""The Lock contract, complete: subclass `LockContract` and override `harness`."""

from __future__ import annotations

from .lock_waits import LockWaits


class LockContract(LockWaits):
    """LOCK-01 to LOCK-30 are in `lock_leases`, LOCK-31 to LOCK-48 in `lock_waits`."""
