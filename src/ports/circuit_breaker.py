"""CircuitBreaker: stop calling what fails, and find out when it is well again.

States and their names are pybreaker's (after Nygard, "Release It!", 2007): closed, open, half-open. Closed counts
consecutive failures and opens at the threshold. Open refuses until `reset_timeout` has passed, then
half-open admits exactly one probe at a time; a failed probe opens again, `success_threshold` successes in a row close.

Promises. Admission is decided before the block and its outcome fed after it. A cancelled block feeds nothing
and gives its probe slot back. An outcome that arrives after the state has changed since its admission is
dropped. Errors that say the caller was wrong (`Rejected`, `NotFound`, `Conflict`, ...) count as successes: the backend
answered. Each transition is announced once, in order. A breaker whose state is shared and that is cut off from where it
is kept goes on by itself, and shares again when it can: it never stands between its caller and a healthy backend.

Errors: `CircuitOpen` with `retry_after`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, Self

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

BreakerState = Literal["closed", "open", "half-open"]


class CircuitBreakerCapabilities(msgspec.Struct, frozen=True, kw_only=True):
    """`shared`: who else sees the state; thresholds are counted over all of them."""

    name: str
    shared: Literal["process", "host", "network"]


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """`reset_timeout` is in seconds."""

    failures: int = 5
    reset_timeout: float = 30.0
    successes: int = 2


class BreakerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """`retry_after`: seconds until a probe may pass (0 unless open)."""

    name: str
    state: BreakerState
    failures: int
    successes: int
    retry_after: float = 0.0


class Transition(msgspec.Struct, frozen=True):
    name: str
    before: BreakerState
    after: BreakerState


class CircuitBreaker(Protocol):
    @property
    def capabilities(self) -> CircuitBreakerCapabilities: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def guard(self) -> AbstractAsyncContextManager[None]:
        """Run the block if admitted, else raise `CircuitOpen`. A failure is an exception that is `Unavailable`,
        `OSError` or `TimeoutError`; other exceptions pass through and count as the promises say.
        """
        ...

    async def status(self) -> BreakerStatus: ...

    def on_transition(self, listener: Callable[[Transition], None]) -> None:
        """Called on the event loop after the state has changed. It must not block; what it raises is logged only."""
        ...
