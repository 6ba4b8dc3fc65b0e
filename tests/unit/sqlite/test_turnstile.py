"""A writer that commits back to back lets the others in."""

from __future__ import annotations

# pyright: reportPrivateUsage=false
# The thread itself is what is tested here, and it stands behind no port.
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.sqlite.connection import connect
from agent_memory.adapters.sqlite.turnstile import Turnstile
from agent_memory.ports.errors import Unavailable

if TYPE_CHECKING:
    from pathlib import Path


def nobody_leaves() -> bool:
    return False


@pytest.mark.usefixtures("storage")
async def test_the_write_lock_goes_to_whoever_is_in_the_turnstile(path: Path) -> None:
    with (
        closing(Turnstile(path, 0.01)) as first,
        closing(Turnstile(path, 0.01)) as second,
        closing(connect(path, 0.0)) as one,
        closing(connect(path, 0.0)) as two,
    ):
        assert first._enter()
        with pytest.raises(Unavailable, match="busy timeout"):
            second.begin(two, nobody_leaves)
        first.begin(one, nobody_leaves)
        with pytest.raises(Unavailable, match="busy timeout"):
            second.begin(two, nobody_leaves)
        one.execute("COMMIT")
        second.begin(two, nobody_leaves)
        assert two.in_transaction


@pytest.mark.usefixtures("storage")
async def test_who_waited_in_vain_leaves_the_turnstile(path: Path) -> None:
    with (
        closing(Turnstile(path, 0.01)) as first,
        closing(Turnstile(path, 0.01)) as second,
        closing(connect(path, 0.0)) as other,
        closing(connect(path, 0.0)) as one,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable):
            first.begin(one, nobody_leaves)
        assert second._enter()


@pytest.mark.usefixtures("storage")
async def test_who_is_told_to_leave_waits_no_longer(path: Path) -> None:
    with (
        closing(Turnstile(path, 3600.0)) as turnstile,
        closing(connect(path, 0.0)) as other,
        closing(connect(path, 0.0)) as one,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable):
            turnstile.begin(one, lambda: True)
