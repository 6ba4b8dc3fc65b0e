from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .household import Home, a_home

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


@pytest.fixture
async def home() -> AsyncGenerator[Home]:
    async with a_home() as made:
        yield made
