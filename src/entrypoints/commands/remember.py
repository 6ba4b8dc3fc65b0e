"""`agent-memory remember`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...core.limits import ENTRIES_PER_CALL
from ...core.requests import Remember
from ...ports.records import KINDS
from ..mcp.text import remembered
from .in_process import use_memory
from .input import content_of
from .json_lines import remember_lines, told
from .output import show, show_json
from .parsing import Parser, json_object, request_of, whole

if TYPE_CHECKING:
    from ...core.caller import Caller
    from ..wiring import App

_WITH_LINES = {"jsonl", "scope", "agent_id", "batch", "json"}


def run(arguments: list[str]) -> int:
    parser = _parser()
    given = parser.read(arguments)
    if "jsonl" in given:
        for name in sorted(given.keys() - _WITH_LINES):
            parser.error(f"{name} belongs inside the lines of --jsonl; beside it only --scope is a default")
        return _many(given)
    if "content" not in given:
        parser.error("say what to remember: CONTENT, - for stdin, or --jsonl FILE")
    if "batch" in given:
        parser.error("--batch goes with --jsonl")
    return _one(given)


def _one(given: dict[str, Any]) -> int:
    as_json = given.pop("json")
    request = request_of({**given, "content": content_of(given["content"])}, Remember)

    async def use(app: App, caller: Caller) -> int:
        result = await app.memory.remember(request, caller)
        if as_json:
            show_json(result)
        else:
            show(remembered(result))
        return 0

    return use_memory("remember", use, creates=True)


def _many(given: dict[str, Any]) -> int:
    async def use(app: App, caller: Caller) -> int:
        report = await remember_lines(
            app.memory,
            caller,
            given["jsonl"],
            scope=given.get("scope"),
            agent_id=given.get("agent_id"),
            batch=given.get("batch", ENTRIES_PER_CALL),
        )
        if given["json"]:
            show_json(report.facts)
        else:
            show(told(report.facts))
        if report.problem is not None:
            raise report.problem
        return 0

    return use_memory("remember", use, creates=True)


def _parser() -> Parser:
    parser = Parser(
        "remember",
        "Store what is worth knowing later. When it says so, it is on disk. The same content in the same scope is "
        "stored once: repeating it is harmless.",
        {
            "a decision": 'remember "We deploy on Fridays" --scope acme/shop --kind guideline --tag deploy',
            "a long text": "remember - --title 'Post-mortem 12' --kind experience < post-mortem.md",
            "many, as lines of JSON": "remember --jsonl entries.jsonl --scope acme/shop",
            "from another program": "remember --jsonl - < entries.jsonl",
        },
    )
    parser.add_argument("content", nargs="?", metavar="CONTENT", help="the text; - reads stdin")
    parser.add_argument(
        "--jsonl",
        metavar="FILE",
        help="one entry a line, a JSON object with the fields of memory_remember; - reads stdin. Stored in "
        "batches, each all or none; the first bad line ends it and is named",
    )
    parser.add_argument(
        "--batch",
        type=whole(1, ENTRIES_PER_CALL),
        metavar="N",
        help=f"lines stored together with --jsonl, 1 to {ENTRIES_PER_CALL} (default {ENTRIES_PER_CALL})",
    )
    parser.scope("where it belongs (default: global, or the configured ceiling)")
    parser.add_argument("--kind", choices=KINDS, help="what it is (default note)")
    parser.add_argument("--title", metavar="TEXT")
    parser.add_argument("--author", metavar="NAME", help="who said or decided it")
    parser.tags("a label")
    parser.add_argument("--metadata", type=json_object, metavar="JSON", help="an object of your own")
    parser.importance()
    parser.add_argument(
        "--occurred-at", metavar="TIME", help="when it happened: ISO 8601, or 'yesterday' and the like"
    )
    parser.add_argument("--valid-from", metavar="TIME", help="true from then on")
    parser.add_argument("--valid-until", metavar="TIME", help="no longer true from then on")
    parser.add_argument(
        "--expires-at",
        metavar="TIME",
        help="not recalled from then on, and archived: get shows it until it is forgotten",
    )
    parser.agent()
    parser.add_argument(
        "--idempotency-key", metavar="KEY", help="the same key again within 24 hours writes nothing"
    )
    parser.json()
    return parser
