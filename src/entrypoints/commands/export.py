"""`agent-memory export`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ...core.requests_moving import FORMATS, ExportCall
from ..mcp.text_moving import exported
from .in_process import use_memory
from .output import complain, show, show_json
from .parsing import Parser, request_of

if TYPE_CHECKING:
    from ...core.caller import Caller
    from ..wiring import App


def run(arguments: list[str]) -> int:
    given = _parser().read(arguments)
    as_json, output = given.pop("json"), given.pop("output", None)
    request = request_of(given, ExportCall)

    async def use(app: App, caller: Caller) -> int:
        from ...core.moving.mover import form_of  # noqa: PLC0415 - where it is used
        from ..moving import export_to, make_moving  # noqa: PLC0415 - same

        moving = make_moving(app, caller.ceiling)
        if request.name is None and output is None:
            export = moving.export_of(caller, scope=request.scope, form=form_of(request.format, None))
            async for part in export.parts():
                sys.stdout.buffer.write(part)
            sys.stdout.buffer.flush()
            complain(f"{export.end.counts.entries} entries exported, {export.end.digest}")
            return 0
        if output is None:
            result = await moving.export(request, caller)
        else:
            result = await export_to(moving, caller, output, scope=request.scope, form=request.format)
        if as_json:
            show_json(result)
        else:
            show(exported(result))
        return 0

    return use_memory("export", use)


def _parser() -> Parser:
    parser = Parser(
        "export",
        "Write out all of a scope and the scopes below it, with history, relations, sessions and votes: to stdout, or "
        "into a file that is there whole or not at all. The same content gives the same bytes.",
        {
            "everything, into a file": "export --output memory.jsonl",
            "one project, to read": "export --scope acme/shop --format markdown",
            "where agents find it by its name": "export --scope acme --name acme.jsonl",
        },
    )
    parser.scope("this scope and those below it (default: everything)")
    parser.add_argument(
        "--format", choices=FORMATS, help="default: by the ending of the name (.json, .jsonl, .md), else json"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--output", "-o", metavar="FILE", help="into this file, in place of what is there")
    where.add_argument("--name", metavar="NAME", help="under this name in the folder of exports")
    parser.json()
    return parser
