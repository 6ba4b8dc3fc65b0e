"""Kept answers while time passes: it makes entries live, and ends that."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from agent_memory.core.requests import Forget

from .answers_desk import ADA, MINUTE, desk

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("field", ["valid_from", "valid_until", "expires_at"])
@pytest.mark.parametrize("steps", [(29.999999, 0.000001), (30.0,), (500.0,)], ids=str)
async def test_an_answer_ends_when_time_changes_it(
    tmp_path: Path, field: str, steps: tuple[float, ...]
) -> None:
    """To the microsecond; `recall` compares with the store at each step."""
    async with desk(tmp_path) as here:
        await here.told("an okapi that stays")
        await here.told("an okapi for a while", **{field: here.after(30)})
        shown = [len((await here.recall()).results)]
        for seconds in steps:
            await here.clock.advance(seconds)
            shown.append(len((await here.recall()).results))
        assert shown[-1] != shown[0]
        assert await here.asked() == 0


async def test_instants_in_unseen_scopes_end_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path, exact=False) as here:
        await here.told("an okapi", scope="acme/web")
        await here.told("an okapi", scope="acme/api", expires_at=here.after(10))
        assert await here.asked(scope="acme/web") == 1
        await here.clock.advance(20)
        assert await here.asked(scope="acme/web") == 0


async def test_a_clock_set_back_is_believed(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.told("an okapi", expires_at=here.after(30))
        await here.clock.advance(40)
        assert (await here.recall()).results == ()
        here.clock.offset = timedelta(seconds=-20)
        assert len((await here.recall()).results) == 1
        here.clock.offset = timedelta(0)
        assert (await here.recall()).results == ()


async def test_the_past_stays_what_it_was_whatever_the_time(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.told("an okapi", expires_at=here.after(60))
        then = here.after(10)
        await here.clock.advance(20)
        assert await here.asked(as_of=then) == 1
        await here.clock.advance(100)
        assert await here.asked(as_of=then) == 0
        wanted = (await here.recall(as_of=then)).results[0].id
        await here.memory.forget(Forget(ids=[wanted], purge=True), ADA)
        assert (await here.recall(as_of=then)).results == ()


async def test_an_answer_is_not_kept_longer_than_its_ttl(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.told("an okapi")
        assert await here.asked() == 1
        await here.clock.advance(5 * MINUTE - 1)
        assert await here.asked() == 0
        await here.clock.advance(1)
        assert await here.asked() == 1
