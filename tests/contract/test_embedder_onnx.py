from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from . import embedder_harnesses
from .embedder_contract import EmbedderContract
from .harness import Bench

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from agent_memory.adapters.embedders.onnx import OnnxEmbedder

    from .inprocess_harness import InProcessHarness


class TestOnnxEmbedder(EmbedderContract):
    @pytest.fixture
    async def harness(self, tmp_path: Path) -> AsyncGenerator[InProcessHarness[OnnxEmbedder]]:
        async with embedder_harnesses.onnx(Bench(folder=tmp_path)) as harness:
            yield harness
