from random import Random
from typing import Any

import msgspec
import pytest
from benchmarks.redaction_secrets import secrets

from agent_memory.entrypoints.mcp.application import Refused, ResourceNotFound, UnknownPrompt, UnknownTool
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
        (NotFound("id: no such", "id"), {"error": "not_found", "retryable": False, "field": "id"}),
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


def test_a_field_that_somebody_made_up_is_told_without_a_secret() -> None:
    (token,) = [one.secret for one in secrets(Random(3)) if one.kind == "github-pat"][:1]
    failure = failure_data(Rejected(f"{token}: no such argument", f"entries[0].{token}"))
    assert failure.field == "entries[0].[redacted:github-pat]"
    assert token not in failure.message


@pytest.mark.parametrize("kind", [UnknownTool, UnknownPrompt, ResourceNotFound, Refused])
def test_an_error_of_the_protocol_quotes_no_secret(kind: type[Refused]) -> None:
    (token,) = [one.secret for one in secrets(Random(3)) if one.kind == "github-pat"][:1]
    refused = kind(token)
    assert token not in refused.message
    assert token not in str(refused.data)
    assert "github-pat" in refused.message
