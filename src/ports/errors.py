"""Every error that may cross a port, and what its receiver may do about it.

Adapters map their drivers' errors to these through one table each and raise `from` the driver's error.
Cancellation is not an error: it is never caught, converted or counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from .lock import Held
    from .records import Entry


class PortError(Exception):
    """The root of the tree. `retryable` says whether the same call may succeed later, unchanged."""

    retryable: ClassVar[bool] = False
    code: ClassVar[str] = "error"


class Unavailable(PortError):
    """The backend did not answer, refused, or is full. Nothing is known to have been done."""

    retryable = True
    code = "unavailable"


class Conflict(PortError):
    """Someone else changed it first, or it would break a uniqueness rule. Nothing was done.

    `current` is the entry that stands in the way, when there is one: read it, decide, call again.
    """

    retryable = True
    code = "conflict"

    def __init__(self, message: str, current: Entry | None = None) -> None:
        super().__init__(message)
        self.current = current


class NotFound(PortError):
    """`field` names the argument that asked for it, where one did."""

    code = "not_found"

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class Rejected(PortError):
    """The input breaks a stated rule. `field` names the argument at fault."""

    code = "rejected"

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class LockTimeout(PortError):
    """The lock stayed with another owner for the whole wait. `holder` is who has it, if still known."""

    retryable = True
    code = "lock_timeout"

    def __init__(self, message: str, holder: Held | None = None) -> None:
        super().__init__(message)
        self.holder = holder


class NotHeld(PortError):
    """The lease is over: it expired, was released, or was never granted with this token."""

    code = "not_held"


class CircuitOpen(PortError):
    """Calls are refused without being tried. `retry_after` is in seconds."""

    retryable = True
    code = "circuit_open"

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RateLimited(PortError):
    """One call too many for now; nothing was done. `retry_after` is in seconds."""

    retryable = True
    code = "rate_limited"

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Misconfigured(PortError):
    """The program cannot run as set up. The message says which setting, and what to do."""

    code = "misconfigured"


class Corrupt(PortError):
    """Stored data failed a check. Nothing was changed; restore a backup."""

    code = "corrupt"
