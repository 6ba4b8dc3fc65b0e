"""Four agents work a task list on one memory (`examples/team.py`), in each shape, to the same end.

Each is a program of its own, an MCP client made with the official SDK, with a server process of its own.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path

import pytest

from .shapes import SHAPES, shape

PLAY = Path(__file__).parents[3] / "examples" / "team.py"
LEFT = json.loads(Path(__file__).with_name("left.json").read_text())
"""What the team leaves in the memory, without ids and times: the same in every shape."""
CHANGES = ["shop/bill.py", "shop/orders.py", "shop/prices.py", "shop/stock.py"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def play(environment: dict[str, str], folder: Path, left: Path) -> str:
    """What the agents say."""
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        str(PLAY),
        str(folder),
        "--state",
        str(left),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, errors = await running.communicate()
    assert running.returncode == 0, said.decode() + errors.decode()
    return said.decode()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", SHAPES)
async def test_a_team_of_four_comes_to_the_same_end(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    async with shape(name, tmp_path) as environment:
        said = await play(environment, folder, tmp_path / "left.json")
    assert json.loads((tmp_path / "left.json").read_text()) == LEFT
    # Of four that read the board before anybody wrote on it, three were too late, and merged.
    conflicts = [int(number) for number in re.findall(r"is here \(after (\d+) conflicts\)", said)]
    assert min(conflicts) == 0
    assert len([number for number in conflicts if number]) == 3
    # Nobody's line was overwritten: one at a time had the file.
    assert (folder / "CHANGES.md").read_text().splitlines() == [f"- {path}" for path in CHANGES]
    assert "(dan is killed)" in said
    assert "ada: finds acme/shop/dan-1 open, dan was to write orders" in said
