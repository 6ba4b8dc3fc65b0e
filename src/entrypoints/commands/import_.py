"""`agent-memory import`."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ...core.requests_moving import FORMATS, ON_CONFLICT, ImportCall
from ..mcp.text_moving import imported
from .admin_key import check_key
from .in_process import use_memory
from .input import stdin
from .output import show, show_json
from .parsing import Parser, request_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from ...core.caller import Caller
    from ..wiring import App


def run(arguments: list[str]) -> int:
    parser = _parser()
    given = parser.read(arguments)
    as_json, file = given.pop("json"), given.pop("file", None)
    if (file is None) == ("name" not in given):
        parser.error("give a FILE (- for stdin), or --name")
    request = request_of(given, ImportCall)

    async def use(app: App, caller: Caller) -> int:
        from ..moving import import_from, make_moving  # noqa: PLC0415 - where it is used

        check_key(request.admin_key, app.settings.admin_key, "importing")
        moving = make_moving(app, caller.ceiling)
        if file is None:
            result = await moving.import_(request, caller)
        else:
            with _twice_readable(file) as path:
                result = await import_from(moving, caller, path, request)
        if as_json:
            show_json(result)
        else:
            show(imported(result))
        return 1 if result.conflicts else 0

    return use_memory("import", use, creates=True)


@contextmanager
def _twice_readable(file: str) -> Generator[str]:
    """An import is read twice, and stdin only once."""
    if file != "-":
        yield file
        return
    with tempfile.NamedTemporaryFile(prefix="agent-memory-") as copy:
        shutil.copyfileobj(stdin(), copy)
        copy.flush()
        yield copy.name


def _parser() -> Parser:
    parser = Parser(
        "import",
        "Put an export back. All of it is checked before anything is written; cut off in the midst, it is started "
        "again and goes on. Exits with 1 when something stood in its way and was left as it is.",
        {
            "a file": "import memory.jsonl",
            "see what it would do": "import memory.jsonl --on-conflict update --dry-run",
            "from one memory into another": "export | AGENT_MEMORY_DB_PATH=other.db agent-memory import -",
        },
    )
    parser.add_argument("file", nargs="?", metavar="FILE", help="an export; - for stdin")
    parser.add_argument("--name", metavar="NAME", help="one in the folder of exports, by its name")
    parser.add_argument(
        "--format", choices=FORMATS, help="default: by the ending of the name (.json, .jsonl, .md), else json"
    )
    parser.add_argument(
        "--on-conflict",
        choices=ON_CONFLICT,
        help="an entry that stands here and differs: skip it (default), update it by a next version, or fail at once",
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    parser.add_argument("--admin-key", metavar="KEY", help="needed where one is set")
    parser.json()
    return parser
