"""`agent-memory update`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.requests import Update
from ..mcp.text import updated
from .in_process import use_memory
from .input import content_of
from .output import show, show_json
from .parsing import Parser, json_object, request_of

if TYPE_CHECKING:
    from ...core.caller import Caller
    from ..wiring import App

_CLEAR = "none"


def run(arguments: list[str]) -> int:
    given = _parser().read(arguments)
    as_json = given.pop("json")
    if "content" in given:
        given["content"] = content_of(given["content"])
    for name in ("valid_until", "expires_at"):
        if given.get(name) == _CLEAR:
            given[name] = None
    request = request_of(given, Update)

    async def use(app: App, caller: Caller) -> int:
        result = await app.memory.update(request, caller)
        if as_json:
            show_json(result)
        else:
            show(updated(result))
        return 0

    return use_memory("update", use)


def _parser() -> Parser:
    parser = Parser(
        "update",
        "Change an entry. What is not named stays; the former version is kept (`get --history`). With "
        "--expected-version it is refused when someone else changed the entry first.",
        {
            "correct it": 'update 01980a3c-... --content "We deploy on Mondays" --expected-version 1',
            "take it out of recall": "update 01980a3c-... --state superseded",
            "let it live for ever": "update 01980a3c-... --expires-at none",
            "tag it": "update 01980a3c-... --add-tag deploy --remove-tag draft",
        },
    )
    parser.add_argument("id", metavar="ID")
    parser.add_argument(
        "--expected-version", type=int, metavar="N", help="refuse unless this is the current one"
    )
    parser.add_argument("--content", metavar="TEXT", help="the new text; - reads stdin")
    parser.add_argument("--title", metavar="TEXT")
    parser.tags("these tags in place of the present ones")
    parser.add_argument("--add-tag", dest="add_tags", action="append", metavar="TAG", help="(repeatable)")
    parser.add_argument(
        "--remove-tag", dest="remove_tags", action="append", metavar="TAG", help="(repeatable)"
    )
    parser.add_argument("--metadata", type=json_object, metavar="JSON", help="replaces the whole object")
    parser.importance()
    parser.add_argument(
        "--valid-until", metavar="TIME", help=f"no longer true from then on; {_CLEAR} clears it"
    )
    parser.add_argument(
        "--expires-at",
        metavar="TIME",
        help=f"not recalled from then on, and archived: get shows it until it is forgotten; {_CLEAR} clears it",
    )
    parser.add_argument("--state", choices=("active", "superseded", "archived"))
    parser.agent()
    parser.json()
    return parser
