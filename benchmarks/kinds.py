"""What recall finds beside plain English: identifiers, ticket numbers, typos, other languages.

    uv run python benchmarks/kinds.py [--json]

Every text is an entry in a scope of its own, all in one store, so that each has all the others against it; each is
asked for through the real server over stdio. `AGENT_MEMORY_EMBEDDER` holds as it is set. A handful of texts a kind
says what works, not how well to the percent.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING

import msgspec
from kinds_texts import KINDS
from serving import BUDGET, call, server, until_whole

if TYPE_CHECKING:
    from agent_memory.entrypoints.stdio_client import StdioClient

_TOP = 5


class Found(msgspec.Struct, frozen=True):
    """How many of `asked` stood first, and among the first five. `missed`: the questions of the others."""

    asked: int
    first: int
    top: int
    missed: list[str]


async def measure() -> dict[str, Found]:
    async with server() as client:
        ids: dict[str, list[str]] = {}
        for kind, pairs in KINDS.items():
            entries = [
                {"content": text, "scope": f"kinds/{len(ids)}-{place}"}
                for place, (text, _) in enumerate(pairs)
            ]
            answer = await call(client, "memory_remember", {"entries": entries})
            ids[kind] = [result["id"] for result in answer["results"]]
        await until_whole(client)
        return {kind: await _ask(client, kind, ids[kind]) for kind in KINDS}


async def _ask(client: StdioClient, kind: str, ids: list[str]) -> Found:
    places: list[int | None] = []
    for wanted, (_, question) in zip(ids, KINDS[kind], strict=True):
        arguments = {
            "query": question,
            "scope": "kinds",
            "descendants": True,
            "limit": _TOP,
            "max_tokens": BUDGET,
        }
        answer = await call(client, "memory_recall", arguments)
        ranked = [found["id"] for found in answer["results"]]
        places.append(ranked.index(wanted) if wanted in ranked else None)
    missed = [question for place, (_, question) in zip(places, KINDS[kind], strict=True) if place is None]
    return Found(len(ids), places.count(0), len(places) - len(missed), missed)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="one JSON document")
    given = parser.parse_args()
    found = asyncio.run(measure())
    if given.json:
        print(msgspec.json.format(msgspec.json.encode(found)).decode())
        return
    print(f"{'':28}{'asked':>6}{'first':>7}{'top 5':>7}  missed")
    for kind, one in found.items():
        print(f"{kind:28}{one.asked:6}{one.first:7}{one.top:7}  {'; '.join(one.missed)}")


if __name__ == "__main__":
    main()
