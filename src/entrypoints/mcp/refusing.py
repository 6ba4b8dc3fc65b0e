"""What the parts of the server that are no tools have in common: calls are counted, errors become JSON-RPC's."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import msgspec

from ...ports.errors import PortError, RateLimited, Rejected
from .application import Refused
from .messages import INTERNAL_ERROR, SERVER_BUSY

if TYPE_CHECKING:
    from ...core.caller import Caller
    from ..wiring import App
    from .application import CallContext


async def counted(app: App, caller: Caller, context: CallContext) -> None:
    """`Refused` where the caller has used up its calls."""
    if app.limits is None:
        return
    try:
        await app.limits.admit(msgspec.structs.replace(caller, client=context.client.name[:128]), None)
    except PortError as error:
        raise refused(error) from None


def refused(error: PortError) -> Refused:
    if isinstance(error, RateLimited):
        wait = {"retryAfterMs": ceil(error.retry_after * 1000)}
        return Refused(f"{error.code}: {error}", code=SERVER_BUSY, data=wait)
    if isinstance(error, Rejected):
        return Refused(f"{error.code}: {error}")
    return Refused(str(error), code=INTERNAL_ERROR)
