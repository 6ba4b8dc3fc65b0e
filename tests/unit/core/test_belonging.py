"""What an action has no use for is said, whoever asks: nothing that was given is silently left aside."""

from __future__ import annotations

import msgspec
import pytest

from agent_memory.core.belonging import BELONGING, check_belonging
from agent_memory.core.requests import FileLock, Link
from agent_memory.core.requests_team import SessionCall, VoteCall
from agent_memory.entrypoints.mcp.tools import TOOLS
from agent_memory.ports.errors import Rejected

REQUESTS = {
    "memory_session": SessionCall, "memory_vote": VoteCall, "memory_link": Link, "memory_file_lock": FileLock,
}  # fmt: skip
GIVEN = {
    "purpose": "p", "summary": "s", "limit": 7, "choice": "c", "k": 3, "to": "t", "depth": 2, "file_path": "f",
    "ttl_seconds": 9.0, "wait_seconds": 1.0, "token": 5, "reason": "r",
}  # fmt: skip
ACTIONS = {
    tool["name"]: tool["inputSchema"]["properties"]["action"]["enum"]
    for tool in TOOLS
    if tool["name"] in REQUESTS
}
CASES = [
    (tool, action, argument)
    for tool, kind in REQUESTS.items()
    for argument in BELONGING[kind.__name__]
    for action in ACTIONS[tool]
]


@pytest.mark.parametrize(("tool", "action", "argument"), CASES)
def test_an_argument_is_taken_by_its_actions_and_refused_by_the_others(
    tool: str, action: str, argument: str
) -> None:
    kind = REQUESTS[tool]
    given = {"action": action, argument: GIVEN[argument]} | ({"from": "f"} if kind is Link else {})
    request = msgspec.convert(given, kind)
    takers = BELONGING[kind.__name__][argument]
    if action in takers:
        check_belonging(request, action)
        return
    with pytest.raises(Rejected) as caught:
        check_belonging(request, action)
    assert caught.value.field == argument
    assert str(caught.value).startswith(f"{argument}: {action} has no use for it; it is for ")
    assert all(taker in str(caught.value) for taker in takers)


@pytest.mark.parametrize("tool", REQUESTS)
def test_every_action_takes_what_is_left_at_its_default_and_who_calls(tool: str) -> None:
    kind = REQUESTS[tool]
    for action in ACTIONS[tool]:
        given = {"action": action} | ({"from": "f"} if kind is Link else {})
        everything = msgspec.to_builtins(msgspec.convert(given, kind))
        everything |= {"agent_id": "ada"} | ({"admin_key": "k"} if kind is FileLock else {})
        check_belonging(msgspec.convert(everything, kind), action)


def test_each_rule_is_about_an_argument_and_actions_that_there_are() -> None:
    for tool, kind in REQUESTS.items():
        names = {field.encode_name for field in msgspec.structs.fields(kind)}
        for argument, takers in BELONGING[kind.__name__].items():
            assert argument in names
            assert set(takers) < set(ACTIONS[tool])
