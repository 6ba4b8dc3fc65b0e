from typing import Any

import msgspec
import pytest

from agent_memory.entrypoints.mcp.failures import failure_data
from agent_memory.ports.errors import (
    CircuitOpen,
    Conflict,
    Corrupt,
    NotFound,
    PortError,
    RateLimited,
    Rejected,
    Unavailable,
)


@pytest.mark.parametrize(
    ("error", "data"),
    [
        (Rejected("limit: too many", "limit"), {"error": "rejected", "retryable": False, "field": "limit"}),
        (Rejected("too many"), {"error": "rejected", "retryable": False}),
        (NotFound("no such entry"), {"error": "not_found", "retryable": False}),
        (Unavailable("busy"), {"error": "unavailable", "retryable": True}),
        (Conflict("changed"), {"error": "conflict", "retryable": True}),
        (CircuitOpen("resting", 2.5), {"error": "circuit_open", "retryable": True, "retry_after": 2.5}),
        (
            RateLimited("too fast", 0.04321),
            {"error": "rate_limited", "retryable": True, "retry_after": 0.043},
        ),
        (Corrupt("page 7"), {"error": "corrupt", "retryable": False}),
    ],
)
def test_an_error_says_to_programs_what_its_text_says(error: PortError, data: dict[str, Any]) -> None:
    assert msgspec.to_builtins(failure_data(error)) == {**data, "message": str(error)}
