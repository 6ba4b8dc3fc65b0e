"""How well recall finds what was said: LoCoMo, through the real server over stdio.

    uv run python benchmarks/retrieval.py PATH/TO/locomo.json [--k 5 10 20] [--only 4 5] [--baseline] [--isolated]
        [--needles] [--json]

Each turn is one entry in the scope of its session; each question (categories 1 to 4) is asked in the scope of its
conversation. `--isolated`: the same turns without session, author and date. `--needles`: sentences deep in long
entries. `AGENT_MEMORY_EMBEDDER` and the settings that go with it hold as they are set; all others are the defaults.
With `onnx` and no path the model is all-MiniLM-L6-v2. The data set is not part of this project (CC BY-NC 4.0) and
nothing of it is kept.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import defaultdict
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import msgspec
import needles
from locomo import Conversation, Question, Turn, chosen, read_conversations
from plain_fts import PlainFts
from ranking import hit_at_1, ndcg_at, recall_at, reciprocal_rank
from serving import BUDGET, call, server, until_whole

from agent_memory.entrypoints.benchmark.timing import percentile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from agent_memory.entrypoints.stdio_client import StdioClient

BATCH = 256
ORG = "locomo"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question, the turns that came back (best first), and the seconds it took."""

    question: Question
    ranked: tuple[str, ...]
    seconds: float


async def through_the_server(
    conversations: Sequence[Conversation], limit: int, *, isolated: bool = False
) -> list[Asked]:
    async with server() as client:
        turns = {each.name: await _remember(client, each, isolated=isolated) for each in conversations}
        await until_whole(client)
        return [
            await _ask(client, each, question, turns[each.name], limit)
            for each in conversations
            for question in each.questions
        ]


async def find_needles(conversations: Sequence[Conversation]) -> dict[str, int]:
    """Of `needles.COUNT` each, how many are among the first five answers, beside all the turns."""
    found: dict[str, int] = {}
    async with server() as client:
        for each in conversations:
            await _remember(client, each, isolated=False)
        for name, some in (("codes", needles.codes(conversations)), ("facts", needles.facts(conversations))):
            answer = await call(client, "memory_remember", {"entries": [needle.entry for needle in some]})
            found[name] = 0
            await until_whole(client)
            for needle, kept in zip(some, answer["results"], strict=True):
                asked = {"query": needle.question, "scope": "global", "descendants": True, "limit": 5}
                ranked = await call(client, "memory_recall", {**asked, "max_tokens": BUDGET})
                found[name] += kept["id"] in [one["id"] for one in ranked["results"]]
    return found


async def _remember(
    client: StdioClient, conversation: Conversation, *, isolated: bool
) -> dict[str, list[str]]:
    """Which turns stand behind each id: a turn said twice in one session is one entry."""
    behind: dict[str, list[str]] = defaultdict(list)
    for start in range(0, len(conversation.turns), BATCH):
        turns = conversation.turns[start : start + BATCH]
        entries = [_entry(conversation.name, turn, isolated=isolated) for turn in turns]
        answer = await call(client, "memory_remember", {"entries": entries})
        for turn, result in zip(turns, answer["results"], strict=True):
            behind[result["id"]].append(turn.dia_id)
    return behind


def _entry(conversation: str, turn: Turn, *, isolated: bool) -> dict[str, Any]:
    if isolated:
        return {"content": turn.content, "scope": f"{ORG}/{conversation}"}
    return {
        "content": turn.content,
        "scope": f"{ORG}/{conversation}/session-{turn.session}",
        "author": turn.speaker,
        "occurred_at": turn.occurred_at.isoformat(),
    }


async def _ask(
    client: StdioClient,
    conversation: Conversation,
    question: Question,
    behind: dict[str, list[str]],
    limit: int,
) -> Asked:
    arguments = {
        "query": question.text,
        "scope": f"{ORG}/{conversation.name}",
        "descendants": True,
        "limit": limit,
        "max_tokens": BUDGET,
    }
    started = perf_counter()
    answer = await call(client, "memory_recall", arguments)
    seconds = perf_counter() - started
    ranked = tuple(dia_id for found in answer["results"] for dia_id in behind[found["id"]])
    return Asked(question=question, ranked=ranked, seconds=seconds)


def through_plain_fts(conversations: Sequence[Conversation], limit: int) -> list[Asked]:
    table = PlainFts(conversations)
    asked: list[Asked] = []
    for each in conversations:
        for question in each.questions:
            ranked, seconds = table.search(each.name, question.text, limit)
            asked.append(Asked(question=question, ranked=tuple(ranked), seconds=seconds))
    table.close()
    return asked


def scores(asked: Sequence[Asked], ks: Sequence[int]) -> dict[str, float]:
    """Averaged over questions. Times in milliseconds."""

    def mean(measure: Callable[[Sequence[str], Sequence[str]], float]) -> float:
        return sum(measure(one.ranked, one.question.evidence) for one in asked) / len(asked)

    times = [one.seconds for one in asked]
    return {
        "questions": len(asked),
        **{f"recall@{k}": mean(lambda ranked, evidence, k=k: recall_at(k, ranked, evidence)) for k in ks},
        "hit@1": mean(hit_at_1),
        "MRR": mean(reciprocal_rank),
        "nDCG@10": mean(lambda ranked, evidence: ndcg_at(10, ranked, evidence)),
        "p50 ms": percentile(times, 0.5) * 1000,
        "p99 ms": percentile(times, 0.99) * 1000,
    }


def report(asked: Sequence[Asked], ks: Sequence[int]) -> dict[str, dict[str, float]]:
    by_category: dict[int, list[Asked]] = defaultdict(list)
    for one in asked:
        by_category[one.question.category].append(one)
    parts = {f"category {number}": scores(by_category[number], ks) for number in sorted(by_category)}
    return {"all": scores(asked, ks), **parts}


def as_table(name: str, parts: dict[str, dict[str, float]]) -> str:
    head = next(iter(parts.values()))
    rows = [[name, *head], *([label, *map(_cell, part.values())] for label, part in parts.items())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(_aligned(row, widths)).rstrip() for row in rows)


def _aligned(row: Sequence[str], widths: Iterable[int]) -> list[str]:
    return [
        cell.rjust(width) if column else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]


def _cell(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="the JSON of LoCoMo, as published")
    parser.add_argument(
        "--k", type=int, nargs="+", default=[5, 10, 20], help="recall at these (default: 5 10 20)"
    )
    parser.add_argument("--baseline", action="store_true", help="the same with plain FTS5, for comparison")
    parser.add_argument(
        "--only", type=int, nargs="+", help="conversations, by their place in the file, from 1"
    )
    parser.add_argument("--isolated", action="store_true", help="also without session, author and date")
    parser.add_argument("--needles", action="store_true", help="also sentences deep in long entries")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    given = parser.parse_args()
    conversations = chosen(read_conversations(given.data.read_bytes()), given.only)
    limit = max(*given.k, 10)
    ours = asyncio.run(through_the_server(conversations, limit))
    reports = {"recall over stdio": report(ours, given.k)}
    if given.baseline:
        reports["plain FTS5"] = report(through_plain_fts(conversations, limit), given.k)
    if given.isolated:
        alone = asyncio.run(through_the_server(conversations, limit, isolated=True))
        reports["the same, isolated"] = report(alone, given.k)
    if given.needles:
        of = f"of {needles.COUNT} in the top 5"
        found = asyncio.run(find_needles(conversations))
        reports["needles"] = {of: {name: float(count) for name, count in found.items()}}
    if given.json:
        print(msgspec.json.format(msgspec.json.encode(reports)).decode())
    else:
        print("\n\n".join(as_table(name, parts) for name, parts in reports.items()))


if __name__ == "__main__":
    main()
