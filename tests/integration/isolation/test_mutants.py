"""A program that lets anything through is found out: the property can fail, in each of these ways."""

from __future__ import annotations

import asyncio
import tempfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings

from agent_memory.entrypoints.settings import read_settings

from .acts import ACTS
from .mutants import MUTANTS
from .playing import play
from .programs import RARE, programs

if TYPE_CHECKING:
    from .programs import Step


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", list(MUTANTS))
def test_is_found_out(name: str) -> None:
    @settings(
        max_examples=600,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(programs(ACTS))
    @example(RARE)
    def attempt(program: tuple[list[str], list[Step]]) -> None:
        with tempfile.TemporaryDirectory() as folder, MUTANTS[name]():
            mine = read_settings({"AGENT_MEMORY_DATA_DIR": folder, "HOME": folder}).settings
            asyncio.run(play(mine, *program))

    with pytest.raises(AssertionError):
        attempt()
