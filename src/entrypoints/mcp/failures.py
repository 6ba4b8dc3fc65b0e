"""Errors of a call as data, for programs: what the text says to a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ...core.redaction.redactor import scrubbed
from ...core.results import Stored, stored
from ...ports.errors import CircuitOpen, Conflict, NotFound, RateLimited, Rejected

if TYPE_CHECKING:
    from ...ports.errors import PortError


class Failure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`error` is the code that the text begins with. `retryable`: the same call may succeed later, unchanged, but not
    before `retry_after` seconds. `field`: the argument at fault. `current`: what stands in a conflict's way.
    """

    error: str
    message: str
    retryable: bool
    field: str | None = None
    retry_after: float | None = None
    current: Stored | None = None


def failure_data(error: PortError) -> Failure:
    return Failure(
        error=error.code,
        message=scrubbed(str(error)),
        retryable=error.retryable,
        field=scrubbed(error.field) if isinstance(error, Rejected | NotFound) and error.field else None,
        retry_after=round(error.retry_after, 3) if isinstance(error, CircuitOpen | RateLimited) else None,
        current=stored(error.current) if isinstance(error, Conflict) and error.current else None,
    )
