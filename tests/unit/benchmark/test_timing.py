from __future__ import annotations

from typing import TYPE_CHECKING

from agent_memory.entrypoints.benchmark.timing import alternate, median, percentile

if TYPE_CHECKING:
    from collections.abc import Callable


def test_percentile_is_the_nearest_rank() -> None:
    samples = [float(n) for n in range(100, 0, -1)]
    assert percentile(samples, 0.5) == 50
    assert percentile(samples, 0.99) == 99
    assert percentile(samples, 1.0) == 100
    assert percentile([3.0], 0.99) == 3


def test_median_of_an_odd_number_is_the_middle() -> None:
    assert median([5.0, 1.0, 3.0]) == 3


def test_blocks_run_by_turns_and_each_gets_its_own_median() -> None:
    order: list[str] = []

    def block(name: str, seconds: list[float]) -> Callable[[int], float]:
        def run(turn: int) -> float:
            order.append(name)
            return seconds[turn]

        return run

    assert alternate(3, block("a", [1.0, 9.0, 2.0]), block("b", [4.0, 4.0, 5.0])) == [2.0, 4.0]
    assert "".join(order) == "ababab"
