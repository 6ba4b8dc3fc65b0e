"""Two ways to do the same, measured by turns in one process: noise meets both."""

from __future__ import annotations

import asyncio
import time
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

ROUNDS = 5


async def rate(
    work: Callable[[int], Awaitable[object]], seconds: float, workers: int, numbers: Iterator[int]
) -> float:
    """Calls a second, by so many at once."""
    begun = time.perf_counter()
    done = 0

    async def worker() -> None:
        nonlocal done
        while time.perf_counter() < begun + seconds:
            await work(next(numbers))
            done += 1

    await asyncio.gather(*(worker() for _ in range(workers)))
    return done / (time.perf_counter() - begun)


class Comparison:
    """Ours and raw by turns; medians of the rounds. Numbers go on from one comparison to the next."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._numbers = (count(), count())

    async def __call__(
        self,
        name: str,
        ours: Callable[[int], Awaitable[object]],
        raw: Callable[[int], Awaitable[object]],
        workers: int,
    ) -> dict[str, Any]:
        rates: tuple[list[float], list[float]] = ([], [])
        for _ in range(ROUNDS):
            for reached, work, numbers in zip(rates, (ours, raw), self._numbers, strict=True):
                reached.append(await rate(work, self._seconds, workers, numbers))
        middle = [sorted(side)[ROUNDS // 2] for side in rates]
        return {
            "what": name,
            "ours": round(middle[0]),
            "raw": round(middle[1]),
            "ratio": round(middle[0] / middle[1], 2),
        }


def print_rates(results: list[dict[str, Any]], raw_name: str) -> None:
    for row in results:
        raw = f"{raw_name} {row['raw']:>8}/s  {row['ratio']:.2f} x" if "ratio" in row else ""
        print(f"{row['what']:<32}{row['ours']:>8}/s  {raw}")
