"""What better answers cost: recall@10 on LoCoMo, and the milliseconds of a question.

    uv run python benchmarks/quality_cost.py PATH/TO/locomo.json [--only 4 5] > docs/retrieval.json
    uv run python benchmarks/plot.py docs/retrieval.json docs/retrieval.svg

In this process, from the question's text to the ranked answer, embedding included; medians. The index alone, as in
`ablation.py`, and plain FTS5 as in `retrieval.py --baseline`. The sentence model takes a minute or two to embed all.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import msgspec
from ablation import ABLATIONS, Asking
from locomo import Conversation, chosen, read_conversations
from plain_fts import PlainFts
from plot import Point
from ranking import recall_at

from agent_memory.adapters.embedders.onnx import OnnxEmbedder
from agent_memory.adapters.embedders.static import StaticEmbedder
from agent_memory.core.search.weights import Weights
from agent_memory.entrypoints.benchmark.timing import median
from agent_memory_contract.minilm import make_minilm

if TYPE_CHECKING:
    from collections.abc import Sequence

_WORDS = msgspec.structs.replace(Weights(), **dict.fromkeys(ABLATIONS["words alone"], 0.0))
_CONTEXT = msgspec.structs.replace(Weights(), dense=0.0)


async def measure(conversations: Sequence[Conversation]) -> list[Point]:
    points = [_plain(conversations)]
    async with StaticEmbedder() as static:
        asking = Asking(conversations, isolated=False)
        await asking.prepare(static)
        for name, weights, embedder in (
            ("words", _WORDS, None),
            ("words and context", _CONTEXT, None),
            ("with the static model (default)", Weights(), static),
        ):
            recall, times = await asking.asked(weights, embedder)
            points.append(Point(name=name, recall=recall, milliseconds=median(times) * 1000))
    with TemporaryDirectory() as folder:
        async with OnnxEmbedder(make_minilm(Path(folder) / "all-MiniLM-L6-v2")) as minilm:
            asking = Asking(conversations, isolated=False)
            await asking.prepare(minilm)
            recall, times = await asking.asked(Weights(), minilm)
    points.append(Point(name="with MiniLM (ONNX)", recall=recall, milliseconds=median(times) * 1000))
    return points


def _plain(conversations: Sequence[Conversation]) -> Point:
    table = PlainFts(conversations)
    found: list[float] = []
    times: list[float] = []
    for each in conversations:
        for question in each.questions:
            ranked, seconds = table.search(each.name, question.text, 10)
            times.append(seconds)
            found.append(recall_at(10, ranked, question.evidence))
    table.close()
    return Point(name="plain FTS5", recall=sum(found) / len(found), milliseconds=median(times) * 1000)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="the JSON of LoCoMo, as published")
    parser.add_argument(
        "--only", type=int, nargs="+", help="conversations, by their place in the file, from 1"
    )
    given = parser.parse_args()
    conversations = chosen(read_conversations(given.data.read_bytes()), given.only)
    print(msgspec.json.format(msgspec.json.encode(asyncio.run(measure(conversations)))).decode())


if __name__ == "__main__":
    main()
