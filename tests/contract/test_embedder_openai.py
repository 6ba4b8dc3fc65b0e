from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from . import embedder_harnesses
from .embedder_contract import EmbedderContract
from .harness import Bench

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path


class TestOpenAIEmbedder(EmbedderContract):
    @pytest.fixture(params=["base64", "numbers"])
    async def harness(
        self, request: pytest.FixtureRequest, tmp_path: Path
    ) -> AsyncGenerator[embedder_harnesses.ServerHarness]:
        async with embedder_harnesses.openai(Bench(url=request.param, folder=tmp_path)) as harness:
            yield harness
