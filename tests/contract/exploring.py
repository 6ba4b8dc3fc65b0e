"""Random schedules, made and made smaller by Hypothesis, played on the event loop that the adapter lives on.

A clause here gives the form of a schedule and how it is played on a backend beside a model; Hypothesis (MacIver et al.,
"Hypothesis: A new approach to property-based testing", JOSS 2019) finds one that fails and reduces it. It runs in a
thread of its own, since it is not asynchronous; whatever touches the adapter runs on the loop. One seed, one set of
schedules.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    import concurrent.futures
    from collections.abc import Callable, Coroutine

    from hypothesis.strategies import SearchStrategy

S = TypeVar("S")

UNHURRIED = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)
"""A backend may take its time, and long schedules are meant."""

SHRINKING = 10.0
"""Seconds after which a schedule that fails is small enough."""


class Effort(msgspec.Struct, frozen=True, kw_only=True):
    """How hard to try: schedules of up to so many `steps`, until there were enough `examples` or `seconds` have passed.
    Without `shrink` the first that fails is told as it is.
    """

    examples: int = 100
    steps: int = 30
    seconds: float = 3.0
    shrink: bool = True


effort = Effort()
"""What every clause uses that explores; set it before the run."""


def schedule(*kinds: SearchStrategy[S]) -> SearchStrategy[list[S]]:
    """Lists of steps of these kinds. A kind named twice comes twice as often."""
    step = st.one_of(*kinds)
    short = st.lists(step, min_size=1, max_size=effort.steps)
    # Left to itself Hypothesis makes lists of half a dozen: that is where it ends, not where it looks.
    long = st.lists(step, min_size=effort.steps, max_size=effort.steps)
    return st.one_of(short, long, long, long)


async def explore(
    steps: SearchStrategy[S], first: int, play: Callable[[int, S], Coroutine[Any, Any, None]]
) -> None:
    """Play many schedules, those that the seed `first` gives. `play` is told the steps of one and its number, for names
    that no other has used.
    """
    loop = asyncio.get_running_loop()
    played = 0
    failed: dict[str, Exception] = {}
    began, failed_at = loop.time(), 0.0
    current: concurrent.futures.Future[None] | None = None
    given_up = False

    def example(steps: S) -> None:
        nonlocal played, current, failed_at
        if given_up:
            raise AssertionError("cancelled")
        if known := failed.get(repr(steps)):
            raise known  # It failed once: that another turn of the same schedule might pass takes nothing back.
        if loop.time() - (failed_at or began) > (SHRINKING if failed else effort.seconds):
            return
        played += 1
        current = asyncio.run_coroutine_threadsafe(play(played, steps), loop)
        try:
            current.result()
        except Exception as error:
            failed_at = failed_at or loop.time()
            failed[repr(steps)] = error
            raise

    tried = seed(first)(
        settings(
            max_examples=effort.examples,
            database=None,
            deadline=None,
            derandomize=False,
            report_multiple_bugs=False,
            print_blob=False,
            suppress_health_check=UNHURRIED,
            phases=(Phase.generate, Phase.shrink) if effort.shrink else (Phase.generate,),
        )(given(steps)(example))
    )
    thread = asyncio.ensure_future(asyncio.to_thread(tried))
    try:
        await asyncio.shield(thread)
    except asyncio.CancelledError:
        given_up = True
        if current is not None:
            current.cancel()
        await asyncio.wait([thread])
        thread.exception()
        raise
    except Exception as error:
        error.add_note(f"found with seed {first}, by schedule {played} at the latest")
        raise
