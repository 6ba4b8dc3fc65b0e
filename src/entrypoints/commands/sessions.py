"""`agent-memory sessions`: who works on what, and an end for what an agent left open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...core.requests_team import SessionCall
from ..mcp.text_team import session_told
from .in_process import use_memory
from .output import show, show_json
from .parsing import Parser, request_of

if TYPE_CHECKING:
    from ...core.caller import Caller
    from ..wiring import App


def run(arguments: list[str]) -> int:
    given = _parser().read(arguments)
    as_json = given.pop("json")
    request = request_of(_call(given), SessionCall)

    async def use(app: App, caller: Caller) -> int:
        result = await app.team.session(request, caller)
        if as_json:
            show_json(result)
        else:
            show(session_told(result))
        return 1 if result.sessions == () else 0

    return use_memory("sessions", use)


def _call(given: dict[str, Any]) -> dict[str, Any]:
    for action in ("show", "end"):
        scope = given.pop(action, None)
        if scope is not None:
            return {**given, "action": "get" if action == "show" else action, "scope": scope}
    return {**given, "action": "list"}


def _parser() -> Parser:
    parser = Parser(
        "sessions",
        "List the sessions of agents in a scope and below it, open ones first. Exits with 1 when there are none.",
        {
            "who works on what": "sessions --scope acme/shop",
            "one of them, whole": "sessions --show acme/shop/checkout",
            "end one that was left open": 'sessions --end acme/shop/checkout --summary "stopped half way"',
        },
    )
    parser.scope("where to look (default: global, or the configured ceiling)")
    parser.add_argument("--limit", type=int, metavar="N", help="at most so many (default 20, most 100)")
    one = parser.add_mutually_exclusive_group()
    one.add_argument(
        "--show", metavar="SCOPE", help="this session, with its summary and what its scope holds"
    )
    one.add_argument("--end", metavar="SCOPE", help="end this session, whoever began it")
    parser.add_argument("--summary", metavar="TEXT", help="with --end: what is done and what is open")
    parser.agent()
    parser.json()
    return parser
