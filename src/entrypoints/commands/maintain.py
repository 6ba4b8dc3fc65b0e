"""`agent-memory maintain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.requests_moving import MAINTAIN_ACTIONS, MaintainCall
from ..mcp.text_moving import maintained
from .admin_key import check_key
from .in_process import use_memory
from .output import show, show_json
from .parsing import Parser, request_of

if TYPE_CHECKING:
    from ...core.caller import Caller
    from ..wiring import App


def run(arguments: list[str]) -> int:
    given = _parser().read(arguments)
    as_json = given.pop("json")
    request = request_of(given, MaintainCall)

    async def use(app: App, caller: Caller) -> int:
        from ..moving import make_maintaining  # noqa: PLC0415 - where it is used

        check_key(request.admin_key, app.settings.admin_key, "maintenance")
        result = await make_maintaining(app).maintain(request, caller)
        if as_json:
            show_json(result)
        else:
            show(maintained(result))
        return 1 if result.problems else 0

    return use_memory("maintain", use)


def _parser() -> Parser:
    parser = Parser(
        "maintain",
        "Keep the memory in order. consolidate: facts told more than once in nearly the same words become one, and the "
        "older ones superseded. reindex: the search index made anew, vectors too. backup: one more copy of the SQLite "
        "file. upkeep: what the worker does by the clock. verify: check the store against itself (exits with 1 when "
        "something is wrong).",
        {
            "see what is told twice": "maintain consolidate --scope acme --dry-run",
            "back up now": "maintain backup",
            "is the store sound?": "maintain verify",
        },
    )
    parser.add_argument("action", choices=MAINTAIN_ACTIONS)
    parser.scope("for consolidate: this scope and those below it (default: everything)")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    parser.add_argument("--admin-key", metavar="KEY", help="needed where one is set")
    parser.json()
    return parser
