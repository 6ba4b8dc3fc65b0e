from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .bench import Bench, bench_at

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    async with bench_at(tmp_path) as bench:
        yield bench
