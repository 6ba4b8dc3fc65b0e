"""`agent-memory forget`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...core.requests import Forget
from ..mcp.text import forgotten
from .admin_key import check_key
from .in_process import use_memory
from .output import show, show_json
from .parsing import Parser, request_of

if TYPE_CHECKING:
    from ...core.caller import Caller
    from ..wiring import App

_FILTER = ("scope", "kinds", "tags", "before", "after")


def run(arguments: list[str]) -> int:
    parser = _parser()
    given = parser.read(arguments)
    as_json = given.pop("json")
    request = request_of(_as_tool_arguments(parser, given), Forget)

    async def use(app: App, caller: Caller) -> int:
        if request.purge:
            check_key(request.admin_key, app.settings.admin_key, "purging")
        result = await app.memory.forget(request, caller)
        if as_json:
            show_json(result)
        else:
            show(forgotten(result))
        return 0 if result.forgotten and not result.missing else 1

    return use_memory("forget", use)


def _as_tool_arguments(parser: Parser, given: dict[str, Any]) -> dict[str, Any]:
    filters = {name: given.pop(name) for name in _FILTER if name in given}
    if given["ids"] and filters:
        parser.error("give ids or a filter, not both")
    if given["ids"]:
        return given
    if "scope" not in filters:
        parser.error(
            "give ids, or --scope: everything in that exact scope, or what other filters beside it leave of that"
        )
    del given["ids"]
    return {**given, "filter": filters}


def _parser() -> Parser:
    parser = Parser(
        "forget",
        "Delete entries by id, or all that match a filter within one exact scope (at most 1000 a call). Their "
        "history stays until purged. Exits with 1 when nothing was there to forget or an id was not found.",
        {
            "one entry": "forget 01980a3c-...",
            "see what a filter would delete": "forget --scope acme/shop/run-7 --kind note --dry-run",
            "erase it, history and all": "forget 01980a3c-... --purge",
        },
    )
    parser.add_argument("ids", nargs="*", metavar="ID", default=[])
    parser.scope("this exact scope, not those above or below it")
    parser.kinds()
    parser.tags("with all of these tags")
    parser.add_argument(
        "--before", metavar="TIME", help="of before this time: ISO 8601, or words such as 'last month'"
    )
    parser.add_argument("--after", metavar="TIME", help="of after this time")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be forgotten")
    parser.add_argument("--purge", action="store_true", help="erase history too, for good")
    parser.add_argument("--admin-key", metavar="KEY", help="needed to purge where one is set")
    parser.agent()
    parser.json()
    return parser
