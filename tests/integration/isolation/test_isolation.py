"""Random callers in random scopes never learn, count, link, hear of or delete what lies beyond their ceiling."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, example, given, settings

from agent_memory.entrypoints.settings import read_settings
from agent_memory_contract.servers.postgres import fresh_database
from agent_memory_contract.servers.postgres_template import migrated_template

from ..postgres_shape import settings_of
from .acts import ACTS
from .playing import play
from .programs import RARE, programs

if TYPE_CHECKING:
    from .programs import Step

many = settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # making a program smaller takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@many
@given(programs(ACTS))
@example(RARE)
def test_on_sqlite(program: tuple[list[str], list[Step]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        mine = read_settings({"AGENT_MEMORY_DATA_DIR": folder, "HOME": folder}).settings
        asyncio.run(play(mine, *program))
        assert Path(folder, "memory.db").exists()


@settings(many, max_examples=20)
@given(programs(ACTS))
@example(RARE)
def test_on_postgresql(program: tuple[list[str], list[Step]]) -> None:
    async def run() -> None:
        async with fresh_database("18", template=await migrated_template("18")) as database:
            await play(settings_of(database), *program)

    asyncio.run(run())
