"""How well embedders find what answers a question, by meaning alone: recall@10 over a LoCoMo conversation's turns.

The data (Maharana et al., 2024) is CC BY-NC 4.0 and not part of this project: name your copy. "Facts" are the turns
without their speaker. A folder with rows.npy is a static model; "teacher" is all-MiniLM-L6-v2 itself.
"""

from __future__ import annotations

import argparse
import json
import re
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from teacher import Teacher

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Embed = Callable[[Sequence[str]], Floats]

K = 10
CHOOSE_ON = 3
"""So many conversations are for choosing, the others for reporting."""
_ADVERSARIAL = 5


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--locomo", type=Path, required=True)
    parser.add_argument("models", nargs="+", help="folders of static models, or: teacher")
    given = parser.parse_args()
    conversations = json.loads(given.locomo.read_text())
    teacher = Teacher()
    print("model: turns, choose / report; facts, choose / report")
    for name in given.models:
        embed = teacher.texts if name == "teacher" else static(Path(name), teacher)
        found = [
            f"{np.mean(half):.3f}"
            for speaker in (True, False)
            for half in halves([recalls(embed, *read(each, speaker=speaker)) for each in conversations])
        ]
        print(f"{name}: {' '.join(found)}", flush=True)


def halves(found: list[list[float]]) -> tuple[list[float], list[float]]:
    return [*chain(*found[:CHOOSE_ON])], [*chain(*found[CHOOSE_ON:])]


def static(folder: Path, teacher: Teacher) -> Embed:
    rows = np.load(folder / "rows.npy") * np.load(folder / "scales.npy")[:, None]

    def embed(texts: Sequence[str]) -> Floats:
        found = np.zeros((len(texts), rows.shape[1]), np.float32)
        for place, tokens in enumerate(teacher.rows(texts)):
            if len(tokens):
                found[place] = rows[tokens].sum(0)
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)

    return embed


def read(conversation: dict[str, Any], *, speaker: bool) -> tuple[list[str], list[tuple[str, set[int]]]]:
    turns = [
        turn
        for name, session in conversation["conversation"].items()
        if re.fullmatch(r"session_\d+", name)
        for turn in session
    ]
    places = {turn["dia_id"]: place for place, turn in enumerate(turns)}
    texts = [
        (f"{turn['speaker']}: " if speaker else "")
        + turn["text"]
        + (f" {turn['blip_caption']}" if turn.get("blip_caption") else "")
        for turn in turns
    ]
    questions: list[tuple[str, set[int]]] = []
    for question in conversation["qa"]:
        named = [name for text in question["evidence"] for name in re.split(r"[;\s]+", text)]
        evidence = {places[name] for name in named if name in places}
        if evidence and question["category"] != _ADVERSARIAL:
            questions.append((question["question"], evidence))
    return texts, questions


def recalls(embed: Embed, texts: list[str], questions: list[tuple[str, set[int]]]) -> list[float]:
    likeness = embed([question for question, _ in questions]) @ embed(texts).T
    best = np.argpartition(-likeness, K, axis=1)[:, :K]
    return [
        len(evidence & set(map(int, found))) / len(evidence)
        for (_, evidence), found in zip(questions, best, strict=True)
    ]


if __name__ == "__main__":
    main()
