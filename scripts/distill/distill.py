"""Make the static model that ships with the package. See README.md beside this file, and ADR 11.

1. Each token's vector is what the teacher makes of it alone; principal components bring 384 features down to 256, and
   frequent tokens get little weight (Model2Vec: Tulkens and van Dongen, 2024; SIF: Arora et al., 2017).
2. The vectors then learn from texts: the mean of a text's tokens shall lie where the teacher puts the text, and be as
   near to other texts as the teacher has it (after Tokenlearn, 2024).
3. int8, with one scale a token.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from corpus import corpus
from teacher import FIRST_WORD, Teacher
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

DIMENSION = 256
SIF = 1e-4
SEED = 7
WORDNET_TEXTS = 65_536
"""Of 165,403: what the teacher reads in a quarter of an hour."""
EPOCHS = 2
BATCH = 512
RATE = 1e-3
TEMPERATURE = 0.05
_CHUNK = 1_024


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--wordnet", type=Path, required=True, help="folder with data.noun, data.verb, ...")
    parser.add_argument(
        "--work", type=Path, required=True, help="folder for what takes long, used again if there"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the model")
    given = parser.parse_args()
    given.work.mkdir(exist_ok=True, parents=True)
    teacher = Teacher()
    texts = corpus(given.wordnet, WORDNET_TEXTS, SEED)
    targets = taught(teacher, texts, given.work)
    rows = learn(*start(kept(given.work / "tokens.npy", teacher.tokens), targets), teacher.rows(texts))
    write(given.out, rows, teacher.words())


def kept(file: Path, make: Callable[[], Floats]) -> Floats:
    if not file.exists():
        np.save(file, make())
    found: Floats = np.load(file)
    return found


def taught(teacher: Teacher, texts: list[str], work: Path) -> Floats:
    """What the teacher makes of the texts, kept chunk by chunk: hours, on a slow machine."""
    chunks: list[Floats] = []
    for begin in range(0, len(texts), _CHUNK):
        chunk = texts[begin : begin + _CHUNK]
        chunks.append(
            kept(work / f"texts-{begin}-{len(chunk)}.npy", lambda chunk=chunk: teacher.texts(chunk))
        )
    return np.concatenate(chunks)


def start(tokens: Floats, targets: Floats) -> tuple[Floats, Floats]:
    """The tokens' vectors to begin with, and the texts' in the same space. BERT's list has frequent tokens first, so
    their places stand for their frequencies (Zipf).
    """
    _, _, axes = np.linalg.svd(tokens - tokens.mean(0), full_matrices=False)
    axes = axes[:DIMENSION].T
    frequency = 1.0 / (np.arange(FIRST_WORD + len(tokens)) + 2.0)
    frequency = frequency[FIRST_WORD:] / frequency.sum()
    weights = SIF / (SIF + frequency)
    rows = (tokens - tokens.mean(0)) @ axes * weights[:, None]
    return (rows / np.linalg.norm(rows, axis=1).mean()).astype(np.float32), (targets - targets.mean(0)) @ axes


def learn(rows: Floats, targets: Floats, texts: list[NDArray[np.int64]]) -> Floats:
    torch.manual_seed(SEED)
    order = np.random.default_rng(SEED)
    useful = [place for place, tokens in enumerate(texts) if len(tokens) > 1]
    wanted = functional.normalize(torch.from_numpy(targets[useful]), dim=1)
    tokens = [texts[place] for place in useful]
    bag = torch.nn.EmbeddingBag.from_pretrained(torch.from_numpy(rows), freeze=False, mode="mean")
    optimizer = torch.optim.Adam(bag.parameters(), lr=RATE)
    steps = len(tokens) // BATCH
    for epoch in range(EPOCHS):
        total = 0.0
        shuffled = order.permutation(len(tokens))
        for step in range(steps):
            places = shuffled[step * BATCH : (step + 1) * BATCH]
            batch = [tokens[place] for place in places]
            offsets = np.cumsum([0, *(len(each) for each in batch[:-1])])
            found = functional.normalize(
                bag(torch.from_numpy(np.concatenate(batch)), torch.from_numpy(offsets)), dim=1
            )
            loss = difference(found, wanted[places])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch + 1}: loss {total / steps:.4f}", flush=True)
    learned: Floats = bag.weight.detach().numpy()
    return learned


def difference(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Of the vectors, and of how one half of the batch ranks the other."""
    half = len(found) // 2
    ranks = (found[:half] @ found[half:].T / TEMPERATURE).log_softmax(1)
    wanted_ranks = (wanted[:half] @ wanted[half:].T / TEMPERATURE).softmax(1)
    apart: torch.Tensor = 1.0 - (found * wanted).sum(1).mean()
    return apart + functional.kl_div(ranks, wanted_ranks, reduction="batchmean")


def write(folder: Path, rows: Floats, words: list[str]) -> None:
    folder.mkdir(exist_ok=True, parents=True)
    scales = np.maximum(np.abs(rows).max(1) / 127.0, 1e-12).astype(np.float32)
    np.save(folder / "rows.npy", np.round(rows / scales[:, None]).astype(np.int8))
    np.save(folder / "scales.npy", scales)
    (folder / "vocabulary.txt").write_text("\n".join(words) + "\n", "utf-8")


if __name__ == "__main__":
    main()
