"""`agent-memory locks` and `agent-memory unlock`: what a person needs where an agent has left a file locked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.requests import FileLock
from ..mcp.text import file_locked
from .admin_key import check_key
from .in_process import use_memory
from .output import show, show_json
from .parsing import Parser, request_of

if TYPE_CHECKING:
    from ...core.caller import Caller
    from ..wiring import App


def run(arguments: list[str]) -> int:
    parser = Parser(
        "locks",
        "List the files that agents have checked out, within AGENT_MEMORY_SCOPE where set: each has its own.",
        {"who has what": "locks", "for a script": "locks --json"},
    )
    parser.json()
    return _act({"action": "list"}, as_json=parser.read(arguments)["json"])


def unlock(arguments: list[str]) -> int:
    parser = Parser(
        "unlock",
        "End the lock on a file, whoever has it. Their token is over from then on. Who, whose and why are logged and, "
        "but for Redis, kept in the store. Exits with 1 when it was free.",
        {"after an agent died": 'unlock src/app.py --reason "the agent was killed"'},
    )
    parser.add_argument("file_path", metavar="PATH", help="as `agent-memory locks` shows it")
    parser.add_argument("--reason", metavar="TEXT", required=True, help="why; it is logged")
    parser.add_argument("--admin-key", metavar="KEY", help="needed where one is set")
    parser.agent()
    parser.json()
    given = parser.read(arguments)
    as_json = given.pop("json")
    return _act({"action": "force_unlock", **given}, as_json=as_json)


def _act(given: dict[str, str], *, as_json: bool) -> int:
    request = request_of(given, FileLock)

    async def use(app: App, caller: Caller) -> int:
        if request.action == "force_unlock":
            check_key(request.admin_key, app.settings.admin_key, "ending another's lock")
        result = await app.file_locks.act(request, caller)
        if as_json:
            show_json(result)
        else:
            show(file_locked(result))
        return 0 if request.action == "list" or result.ended is not None else 1

    return use_memory(request.action, use)
