"""`agent-memory context`: what `memory_context` tells an agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.requests_team import ContextCall
from ..mcp.text_team import context_told
from .in_process import use_memory
from .output import show, show_json
from .parsing import Parser, request_of

if TYPE_CHECKING:
    from ...core.caller import Caller
    from ..wiring import App


def run(arguments: list[str]) -> int:
    parser = Parser(
        "context",
        "Show what an agent is told before it starts: guidelines, what is known for the task, hand-overs, open "
        "sessions, files checked out. The same text while nothing changes.",
        {
            "what an agent of a project starts from": "context --scope acme/shop",
            "for a task, in few tokens": "context fix the checkout --scope acme/shop --max-tokens 800",
        },
    )
    parser.add_argument("task", nargs="*", metavar="TASK", default=[], help="what the work is about")
    parser.scope("where the work is (default: global, or the configured ceiling)")
    parser.add_argument(
        "--max-tokens", type=int, metavar="N", help="stop at about so many tokens (default 2000)"
    )
    parser.json()
    given = parser.read(arguments)
    as_json = given.pop("json")
    request = request_of({**given, "task": " ".join(given["task"])}, ContextCall)

    async def use(app: App, caller: Caller) -> int:
        result = await app.team.context(request, caller)
        if as_json:
            show_json(result)
        else:
            show(context_told(result))
        return 0

    return use_memory("context", use)
