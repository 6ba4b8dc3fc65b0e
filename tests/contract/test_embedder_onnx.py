from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent_memory.adapters.embedders.onnx import OnnxEmbedder

from .embedder_contract import EmbedderContract
from .inprocess_harness import InProcessHarness
from .minilm import make_minilm

if TYPE_CHECKING:
    from pathlib import Path

    from .embedder_contract import EmbedderHarness


class TestOnnxEmbedder(EmbedderContract):
    @pytest.fixture
    def harness(self, tmp_path: Path) -> EmbedderHarness:
        folder = make_minilm(tmp_path / "all-MiniLM-L6-v2")
        return InProcessHarness(lambda _: OnnxEmbedder(folder))
