from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .table import Table, table_at

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def table(tmp_path: Path) -> AsyncGenerator[Table]:
    async with table_at(tmp_path) as table:
        yield table
