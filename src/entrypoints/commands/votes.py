"""`agent-memory votes`: what agents decide together, for people to see and to join."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.requests_team import VoteCall
from ..mcp.text_team import vote_told
from .in_process import use_memory
from .output import show, show_json
from .parsing import Parser, request_of

if TYPE_CHECKING:
    from ...core.caller import Caller
    from ..wiring import App


def run(arguments: list[str]) -> int:
    given = _parser().read(arguments)
    as_json, ballots = given.pop("json"), given.pop("ballots")
    looking = "list" if ballots or "question" not in given else "tally"
    request = request_of({**given, "action": "cast" if "choice" in given else looking}, VoteCall)

    async def use(app: App, caller: Caller) -> int:
        result = await app.team.vote(request, caller)
        if as_json:
            show_json(result)
        else:
            show(vote_told(result))
        return 0 if result.questions or result.votes or result.counts else 1

    return use_memory("votes", use)


def _parser() -> Parser:
    parser = Parser(
        "votes",
        "Show what was voted on in a scope and below it; with a question, how it stands there. Exits with 1 when there "
        "are no votes.",
        {
            "what is being decided": "votes --scope acme/shop",
            "how it stands": 'votes "Which queue?" --scope acme/shop',
            "who voted how": 'votes "Which queue?" --scope acme/shop --ballots',
            "vote": 'votes "Which queue?" --scope acme/shop --choice postgres --agent-id ines',
        },
    )
    parser.add_argument("question", nargs="?", metavar="QUESTION", help="as it was asked, in one argument")
    parser.scope("where it was asked (default: global, or the configured ceiling)")
    parser.add_argument("--choice", metavar="TEXT", help="vote for this; replaces your former vote")
    parser.add_argument("--k", type=int, metavar="N", help="decided by so many votes ahead (default 2)")
    parser.add_argument(
        "--ballots", action="store_true", default=False, help="every vote, replaced ones included"
    )
    parser.agent()
    parser.json()
    return parser
