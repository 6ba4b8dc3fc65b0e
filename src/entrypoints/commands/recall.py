"""`agent-memory recall`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.requests import Recall
from ..mcp.text import recalled
from .in_process import use_memory
from .output import show, show_json
from .parsing import Parser, request_of

if TYPE_CHECKING:
    from ...core.caller import Caller
    from ..wiring import App


def run(arguments: list[str]) -> int:
    given = _parser().read(arguments)
    as_json, only_ids = given.pop("json"), given.pop("ids")
    request = request_of({**given, "query": " ".join(given["query"])}, Recall)

    async def use(app: App, caller: Caller) -> int:
        result = await app.memory.recall(request, caller)
        if as_json:
            show_json(result)
        elif not only_ids:
            show(recalled(result))
        elif result.results:
            show("\n".join(hit.id for hit in result.results))
        return 0 if result.results else 1

    return use_memory("recall", use)


def _parser() -> Parser:
    parser = Parser(
        "recall",
        "Search the memory in plain words, best first. Without words: the newest first. Sees the scope and the scopes "
        "above it. Exits with 1 when nothing was found.",
        {
            "ask a question": 'recall "when do we deploy" --scope acme/shop',
            "what is new in a whole organisation": "recall --scope acme --descendants --limit 20",
            "decisions since March": "recall --scope acme/shop --tag decision --since 2026-03-01",
            "what was known at New Year": "recall deploy --scope acme/shop --as-of 2026-01-01",
            "look before you delete": "recall staging --ids | xargs agent-memory forget --dry-run",
        },
    )
    parser.add_argument(
        "query", nargs="*", metavar="WORDS", default=[], help="the question; none: list the newest"
    )
    parser.scope("where to look (default: global, or the configured ceiling)")
    parser.add_argument(
        "--no-inherit", dest="inherit", action="store_false", help="leave out the scopes above"
    )
    parser.add_argument("--descendants", action="store_true", help="look in the scopes below as well")
    parser.kinds()
    parser.tags("with all of these tags")
    parser.add_argument(
        "--any-tag", dest="tags_any", action="append", metavar="TAG", help="with one of these (repeatable)"
    )
    parser.add_argument(
        "--since", metavar="TIME", help="from this time on: ISO 8601, or words such as 'last week'"
    )
    parser.add_argument("--until", metavar="TIME", help="until this time; of a day or a month, its end")
    parser.add_argument("--as-of", metavar="TIME", help="the memory as it was then")
    parser.add_argument("--limit", type=int, metavar="N", help="at most so many (default 10, most 100)")
    parser.add_argument(
        "--max-tokens", type=int, metavar="N", help="stop at about so many tokens (default 4000)"
    )
    parser.add_argument(
        "--mode", choices=("hybrid", "lexical", "dense"), help="how to search (default hybrid)"
    )
    parser.add_argument("--explain", action="store_true", help="with --json: why each was found")
    parser.add_argument("--ids", action="store_true", default=False, help="ids only, one a line")
    parser.json()
    return parser
