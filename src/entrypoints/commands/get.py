"""`agent-memory get`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.requests import Get
from ..mcp.text import got
from .in_process import use_memory
from .output import show, show_json
from .parsing import Parser, request_of

if TYPE_CHECKING:
    from ...core.caller import Caller
    from ..wiring import App


def run(arguments: list[str]) -> int:
    given = _parser().read(arguments)
    as_json = given.pop("json")
    request = request_of(given, Get)

    async def use(app: App, caller: Caller) -> int:
        result = await app.memory.get(request, caller)
        if as_json:
            show_json(result)
        else:
            show(got(result))
        return 1 if result.missing else 0

    return use_memory("get", use)


def _parser() -> Parser:
    parser = Parser(
        "get",
        "Show entries by id, whole. Exits with 1 when one of them is not there.",
        {
            "one entry": "get 01980a3c-...",
            "what it said before": "get 01980a3c-... --history",
            "for a script": "get 01980a3c-... --relations --json",
        },
    )
    parser.add_argument("ids", nargs="+", metavar="ID", help="as shown by remember and recall")
    parser.add_argument("--history", action="store_true", help="with former versions")
    parser.add_argument("--relations", action="store_true", help="with what it is tied to")
    parser.json()
    return parser
